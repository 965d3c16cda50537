/// What a fault must look like: the right type, and one sentence that names what was wrong.
module NtmLab.Tests.Faults

open System.Text.RegularExpressions
open Expecto
open NtmLab

/// Whether a message is one sentence on one line: nothing of .NET's own wording, an end, and no second sentence.
let private isOneSentence (message: string) : bool =
    (message.EndsWith '.' || message.EndsWith '?')
    && not (message.Contains '\n')
    && not (Regex.IsMatch(message, @"[.?!] [A-Z]"))
    && not (message.Contains "Exception")

/// Runs an action that must fail with a fault of type 'fault; gives its message.
let sentence<'fault when 'fault :> NtmLabException> (action: unit -> unit) : string =
    let outcome =
        try
            action ()
            None
        with fault ->
            Some fault

    match outcome with
    | Some(:? 'fault as fault) ->
        Expect.isTrue (isOneSentence fault.Message) $"'{fault.Message}' is one sentence"
        fault.Message
    | Some other ->
        failtest $"{typeof<'fault>.Name} was expected; it was {other.GetType().Name}: {other.Message}"
    | None -> failtest $"{typeof<'fault>.Name} was expected; nothing failed"

/// Requires an action to fail with a fault of type 'fault whose sentence holds all of the given words.
let says<'fault when 'fault :> NtmLabException> (words: string list) (action: unit -> unit) : unit =
    let message = sentence<'fault> action

    for word in words do
        Expect.stringContains message word "the sentence names what was wrong"

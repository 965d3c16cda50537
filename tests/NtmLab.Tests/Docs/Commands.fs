/// The commands that pages show: in blocks without a language, and in backquotes within a sentence.
module NtmLab.Tests.Docs.Commands

open System
open System.IO
open System.Text.RegularExpressions
open Argu
open NtmLab
open NtmLab.Cli
open NtmLab.Runs.Store
open NtmLab.Tests
open NtmLab.Tests.Cli

/// A command, and where it stands.
type Command = { Place: string; Text: string }

/// Verbs that the launcher or the first look at the command line take; what follows them goes to other programs.
let private passedOn = set [ "setup"; "paket"; "test"; "format" ]

let private inBlocks (page: string) : Command list = [
    for block in Block.on page "" do
        for number, line in List.indexed (List.ofArray (block.Text.TrimEnd().Split '\n')) do
            let text = Regex.Replace(line, @"(^|\s)#.*$", "").Trim()

            if text <> "" then
                { Place = $"{page}:{block.Line + 1 + number}"; Text = text }
]

let private inSentences (page: string) : Command list = [
    let text = File.ReadAllText(Path.Combine(Scratch.repository.Value, page))

    for found in Regex.Matches(text, @"`(\./ntmlab\s[^`]+)`") do
        let line = text.Substring(0, found.Index).Split('\n').Length

        {
            Place = $"{page}:{line}"
            Text = Regex.Replace(found.Groups[1].Value, @"\s+", " ")
        }
]

/// Every command of every page.
let all: Lazy<Command list> =
    lazy (Block.pages.Value |> List.collect (fun page -> inBlocks page @ inSentences page))

/// The words of a command; a single capital letter stands for a number.
let private words (text: string) : string list =
    text.Split(' ', StringSplitOptions.RemoveEmptyEntries)
    |> Array.map (fun word -> if Regex.IsMatch(word, "^[A-Z]$") then "1" else word)
    |> List.ofArray

let private parse (command: Command) (read: unit -> unit) : string list =
    try
        read ()
        []
    with :? ArguParseException as fault -> [ $"{command.Place}: {command.Text}: {Session.sentence fault}" ]

/// What is wrong with a command: an option that there is not, a script that there is not; empty where all is well.
let faults (command: Command) : string list =
    let given = words command.Text
    let exists (file: string) = File.Exists(Path.Combine(Scratch.repository.Value, file))

    let missing = [
        for word in given do
            if word.EndsWith(".fsx", StringComparison.Ordinal) && not (exists word) then
                $"{command.Place}: {command.Text}: there is no {word}"
    ]

    let unknown =
        match given with
        | "./ntmlab" :: "--help" :: _ -> []
        | "./ntmlab" :: verb :: _ when passedOn.Contains verb -> []
        | "./ntmlab" :: arguments ->
            parse command (fun () ->
                let parser = ArgumentParser.Create<Verb>(programName = "ntmlab")
                parser.ParseCommandLine(List.toArray arguments, raiseOnUsage = false) |> ignore)
        | "dotnet" :: "fsi" :: script :: options ->
            parse command (fun () ->
                let parser = ArgumentParser.Create<RunArgument>(programName = script)
                parser.Parse(List.toArray options, raiseOnUsage = false) |> ignore)
        | "export" :: [ setting ] when
            setting.StartsWith($"{StoreAddress.Variable}=", StringComparison.Ordinal)
              ->
              []
        // Consumers makes the packages in this way.
        | "dotnet" :: "pack" :: "NtmLab.sln" :: [ "-o"; _ ] -> []
        | [ file ] when exists file -> []
        | _ -> [ $"{command.Place}: {command.Text}: is no command; output is marked as text (```text)" ]

    missing @ unknown

/// Those that take a moment, as they are run in a folder for their output: what is trained gets a small budget.
let quick (folder: string) : (Command * string list) list = [
    for command in all.Value |> List.distinctBy _.Text do
        match words command.Text with
        | "./ntmlab" :: "list" :: what -> command, "list" :: what
        | "./ntmlab" :: "show-task" :: task when not (List.contains "NAME" task) ->
            command, "show-task" :: task @ [ "--picture"; Path.Combine(folder, "task") ]
        | "./ntmlab" :: "run" :: script :: options when script = CommandLine.copy ->
            command,
            [
                yield! "run" :: script :: options
                "--runs"
                Path.Combine(folder, "runs")
                for change in [ "training.sequences=32"; "evaluation.lengths=2,3"; "evaluation.sequences=2" ] do
                    "--set"
                    change
            ]
        | _ -> ()
]

/// Runs one of them; gives what went wrong.
let run (command: Command, arguments: string list) : string list =
    let outcome = CommandLine.run arguments

    if outcome.Code = 0 then
        []
    else
        [ $"{command.Place}: {command.Text}: {outcome.Errors}" ]

module NtmLab.Cli.Program

open System
open Argu
open NtmLab
open NtmLab.Configuration

let private parser = ArgumentParser.Create<Verb>(programName = "ntmlab")

let private verbs = [
    "run"
    "resume"
    "sweep"
    "evaluate"
    "export"
    "import"
    "list"
    "show-task"
    "runs"
    "show"
    "compare"
    "serve"
    "study"
    "paper"
    "bench"
    "probe"
    "doctor"
    "docs"
    "test"
    "format"
]

let private dispatch (arguments: string list) : int =
    match arguments with
    | []
    | [ "--help" ]
    | [ "help" ] ->
        Console.Out.WriteLine(parser.PrintUsage())
        if arguments.IsEmpty then 2 else 0
    | "test" :: options -> Development.test options
    | "format" :: options -> Development.format options
    | verb :: _ when not (List.contains verb verbs) ->
        raise (ConfigurationException $"there is no command '{verb}'; {Suggestion.For(verb, verbs)}")
    | _ ->
        match (parser.ParseCommandLine(List.toArray arguments, raiseOnUsage = true)).GetSubCommand() with
        | Verb.Run arguments -> Making.run arguments
        | Verb.Resume arguments -> Making.resume arguments
        | Verb.Sweep arguments -> Sweeps.run arguments
        | Verb.Listed arguments -> Overview.list arguments
        | Verb.Runs arguments -> Overview.runs arguments
        | Verb.Compare arguments -> Compare.run arguments
        | Verb.Serve arguments -> Serve.run arguments
        | Verb.Show arguments -> Overview.show arguments
        | Verb.Evaluate arguments -> Making.evaluate arguments
        | Verb.Export arguments -> Interchange.export arguments
        | Verb.Import arguments -> Interchange.import arguments
        | Verb.ShowTask arguments -> ShowTask.run arguments
        | Verb.Study arguments -> Studies.run arguments
        | Verb.Paper arguments -> Papers.build arguments
        | Verb.Bench arguments -> Bench.run arguments
        | Verb.Probe arguments -> Probes.run arguments
        | Verb.Doctor arguments -> Overview.doctor arguments
        | Verb.Docs arguments -> Site.build arguments
        | Verb.Test -> Development.test []
        | Verb.Format -> Development.format []

[<EntryPoint>]
let main (arguments: string array) : int =
    try
        dispatch (List.ofArray arguments)
    with
    | :? ArguParseException as fault when fault.ErrorCode = ErrorCode.HelpText ->
        Console.Out.WriteLine fault.Message
        0
    | :? ArguParseException as fault ->
        eprintfn
            "ntmlab: %s; 'ntmlab %s --help' lists what is accepted."
            (Session.sentence fault)
            arguments[0]

        2
    | fault -> Experiment.explain (Array.contains "--verbose" arguments) fault

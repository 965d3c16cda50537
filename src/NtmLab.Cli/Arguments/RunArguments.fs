namespace NtmLab.Cli

open Argu

/// Options of `ntmlab resume`.
type ResumeArgument =
    | [<MainCommand; ExactlyOnce>] Run of run: string
    | Runs of directory: string
    | Json
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Run _ -> "the run: its id, or the path of its folder."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Json -> "print one JSON document on standard output and nothing else there."
            | Verbose -> "show the stack trace of a fault."

/// Options of `ntmlab show`.
type ShowArgument =
    | [<MainCommand; ExactlyOnce>] Run of run: string
    | Memory
    | Runs of directory: string
    | Json
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Run _ -> "the run: its id, or the path of its folder."
            | Memory ->
                "show what the memory held after the drawn example, slot by slot: how much each is in use, and how alike they are."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Json -> "print one JSON document on standard output and nothing else there."
            | Verbose -> "show the stack trace of a fault."

/// Options of `ntmlab compare`.
type CompareArgument =
    | [<MainCommand; ExactlyOnce>] Compared of runs: string list
    | Runs of directory: string
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Compared _ -> "the runs: their ids, the paths of their folders, or names of experiments."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Json -> "print one JSON document on standard output and nothing else there."

/// Options of `ntmlab evaluate`.
type EvaluateArgument =
    | [<MainCommand; ExactlyOnce>] Run of run: string
    | Lengths of numbers: string
    | Sequences of number: int
    | Best
    | Memory of run_or_file: string
    | [<AltCommandLine("-s")>] Set of path_value: string
    | Runs of directory: string
    | Json
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Run _ -> "the run: its id, or the path of its folder."
            | Lengths _ -> "the lengths to score, e.g. 10,20,50 (default: the run's own)."
            | Sequences _ -> "fresh sequences of each length (default: the run's own number)."
            | Best -> "take the parameters that scored best during training, not the last ones."
            | Memory _ ->
                "start every sequence with the memory that a run kept or a file holds, not with a blank one; the controller starts as always."
            | Set _ ->
                "change an option that no parameter depends on, e.g. model.slots=256 or task.repeats=20; may be repeated."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Json -> "print one JSON document on standard output and nothing else there."
            | Verbose -> "show the stack trace of a fault."

/// Options of `ntmlab runs`.
type RunsArgument =
    | Runs of directory: string
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Json -> "print a JSON list of runs."

/// Options of `ntmlab serve`.
type ServeArgument =
    | Port of number: int
    | Runs of directory: string
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Port _ -> "the port on 127.0.0.1 (default: 5005; 0: any that is free)."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Verbose -> "show the stack trace of a fault."

namespace NtmLab.Cli

open Argu
open NtmLab

/// Options of `ntmlab study`.
type StudyArgument =
    | [<Unique>] Budget of StudyBudget
    | Part of name: string
    | [<Unique>] Jobs of number: int
    | [<Unique>] Launcher of Launcher
    | Slurm of key_value: string
    | Detach
    | Cancel
    | Anew
    | Gather
    | Publish
    | Runs of directory: string
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Budget _ ->
                "how much is made: smoke (2 minutes), quick (half an hour) or full (a day; default: quick)."
            | Part _ -> "a part of the study, e.g. memory-length; may be repeated (default: all)."
            | Jobs _ -> "processes that share the work (default: one a core)."
            | Launcher _ ->
                "where they are: processes of this machine, or tasks of a Slurm cluster (default: local)."
            | Slurm _ -> optionOfSbatch
            | Detach -> detached
            | Cancel -> "cancel the study's tasks on Slurm; give the command as it was otherwise."
            | Anew -> "make also what has come along as a finding of others."
            | Gather -> "make nothing, and take what is there of each part."
            | Publish -> "put all that was found into paper/results, for others."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Verbose -> "show the stack trace of a fault."

/// Options of `ntmlab paper`.
type PaperArgument =
    | [<Unique>] Budget of StudyBudget
    | [<Unique>] Out of file: string
    | Publish
    | Runs of directory: string
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Budget _ ->
                "which study: smoke, quick or full (default: the one made last in the folder of runs, else full)."
            | Out _ -> "the PDF (default: artifacts/paper/ntmlab.pdf)."
            | Publish -> "put verdicts, tables and figures into paper/results, to be read without the PDF."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Verbose -> "show the stack trace of a fault."

namespace NtmLab.Cli

open Argu

/// Options of `ntmlab show-task`.
type ShowTaskArgument =
    | [<MainCommand; ExactlyOnce>] Task of name: string
    | Length of number: int
    | Seed of number: uint64
    | [<AltCommandLine("-s")>] Set of path_value: string
    | Picture of file: string
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Task _ -> "the task's name; 'ntmlab list tasks' lists them."
            | Length _ ->
                "the length of the sequence, in the task's own measure (default: its longest in training)."
            | Seed _ -> "the seed that decides the sequence (default: 1)."
            | Set _ -> "change an option of the task, e.g. task.bits=4; may be repeated."
            | Picture _ ->
                "where to draw it, as .png and .svg (default: the task's name in the current folder)."
            | Json -> "print one JSON document on standard output and nothing else there."

/// What can be listed.
type Listing =
    | Models
    | Tasks
    | Policies
    | Presets
    | Experiments

/// Options of `ntmlab list`.
type ListArgument =
    | [<MainCommand; ExactlyOnce>] What of Listing
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | What _ -> "what to list."
            | Json -> "print a JSON list of {name, summary}."

/// Options of `ntmlab doctor`.
type DoctorArgument =
    | Runs of directory: string
    | Json

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Runs _ -> "the folder whose write access is checked (default: runs)."
            | Json -> "print a JSON list of {name, status, detail}."

/// Options of `ntmlab docs`.
type DocsArgument =
    | Out of directory: string

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Out _ ->
                "the folder for the site (default: artifacts/docs); what an earlier one left there is replaced."

namespace NtmLab.Cli

open Argu

/// Formats that other programs read.
type Format =
    | Pytorch
    | Safetensors
    | Parquet
    | Csv
    | Tensorboard

/// Options of `ntmlab export`.
type ExportArgument =
    | [<MainCommand>] Places of run_and_file: string
    | [<Unique>] To of Format
    | Best
    | Force
    | Runs of directory: string
    | Json
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Places _ ->
                "the run, by its id or the path of its folder, and the file to write; for tensorboard the folder that TensorBoard is started with."
            | To _ ->
                "the format: weights as pytorch or safetensors; metrics and evaluations as parquet, csv or tensorboard (default: what the file's ending says)."
            | Best -> "take the parameters that scored best during training, not the last ones."
            | Force -> "replace files that are there already."
            | Runs _ -> "the folder that holds all runs (default: runs)."
            | Json -> "print one JSON document on standard output and nothing else there."
            | Verbose -> "show the stack trace of a fault."

/// Options of `ntmlab import`.
type ImportArgument =
    | [<MainCommand; ExactlyOnce>] File of path: string
    | [<Mandatory; Unique>] Like of run: string
    | Runs of directory: string
    | Json
    | Verbose

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | File _ -> "the weights: a state_dict saved by torch.save, or a safetensors file."
            | Like _ ->
                "the run, by its id or the path of its folder, whose configuration the weights are for."
            | Runs _ -> "the folder that holds all runs and gets the new one (default: runs)."
            | Json -> "print one JSON document on standard output and nothing else there."
            | Verbose -> "show the stack trace of a fault."

/// What `ntmlab export` and `ntmlab import` do: a run's weights and metrics to and from files of other programs.
module NtmLab.Cli.Interchange

open System
open System.IO
open System.Text.Json.Nodes
open Argu
open NtmLab
open NtmLab.Cli.Output
open NtmLab.Interchange
open NtmLab.Native
open NtmLab.Runs

let private formatOf (format: Format) : ExportFormat =
    match format with
    | Pytorch -> ExportFormat.Pytorch
    | Safetensors -> ExportFormat.Safetensors
    | Parquet -> ExportFormat.Parquet
    | Csv -> ExportFormat.Csv
    | Tensorboard -> ExportFormat.Tensorboard

/// `ntmlab export`.
let export (arguments: ParseResults<ExportArgument>) : int =
    match arguments.GetResults Places with
    | [ run; file ] ->
        let source, known = RunLookup.findKnown (arguments.GetResult(ExportArgument.Runs, "runs")) run

        use source = source

        let format =
            match arguments.TryGetResult To with
            | Some format -> formatOf format
            | None -> RunExport.FormatOf file

        LibTorch.Load()

        let files =
            RunExport.Write(
                source,
                known,
                file,
                format,
                arguments.Contains ExportArgument.Best,
                arguments.Contains Force
            )

        if arguments.Contains ExportArgument.Json then
            let document = JsonObject()
            document["run"] <- JsonValue.Create known.Record.Id
            document["format"] <- JsonValue.Create((string format).ToLowerInvariant())

            document["files"] <-
                jsonList [ for file in files -> nonNull (JsonValue.Create(Path.GetFullPath file)) ]

            printJson document
        else
            for file in files do
                Console.Out.WriteLine $"written: {file}"

        0
    | given ->
        raise (
            ConfigurationException
                $"export: a run and a file are wanted, and {given.Length} names are given; ntmlab export RUN FILE."
        )

/// `ntmlab import`.
let import (arguments: ParseResults<ImportArgument>) : int =
    let runs = arguments.GetResult(ImportArgument.Runs, "runs")
    let like = RunLookup.findRun runs (arguments.GetResult Like)
    LibTorch.Load()
    let machine = Machine.describe (RunFolder.ReadRecord like).Machine.Threads

    let struct (directory, record) =
        RunWeights.Import(
            arguments.GetResult ImportArgument.File,
            like,
            runs,
            Machine.codeVersion,
            machine,
            TimeProvider.System
        )

    if arguments.Contains ImportArgument.Json then
        printJson (record.Report directory)
    else
        Display.outcome record
        Console.Out.WriteLine $"run folder: {directory}"

    0

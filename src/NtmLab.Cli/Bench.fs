/// `ntmlab bench`: runs a benchmark, and prints it as a table or as JSON.
module NtmLab.Cli.Bench

open System.Text.Json
open Argu
open NtmLab.Benchmarks
open NtmLab.Cli.Output
open NtmLab.Configuration
open NtmLab.Kernels
open NtmLab.Native
open NtmLab.Runs.Store

/// `ntmlab bench lstm` and `ntmlab bench gru`.
let private benchLayers (kind: CellKind) (arguments: ParseResults<BenchArgument>) (json: bool) : unit =
    let result =
        RecurrentBenchmark.Run(
            kind,
            arguments.GetResult(Units, 100),
            arguments.GetResult(Layers, 1),
            arguments.GetResult(Inputs, 10),
            arguments.GetResult(Batch, 1),
            arguments.GetResult(Length, 1000),
            arguments.GetResult(BenchArgument.Threads, 1),
            arguments.GetResult(Repeats, 0)
        )

    if json then
        printJson (JsonSerializer.SerializeToNode(result, ConfigurationJson.Options))
    else
        table [ "engine"; "ms a batch"; "us a step of the batch" ] [
            [ "fused"; $"{result.FusedMs:F2}"; $"{result.MicrosecondsPerStep:F2}" ]
            [ "libtorch"; $"{result.ReferenceMs:F2}"; $"{result.ReferenceMicrosecondsPerStep:F2}" ]
        ]

        printfn
            $"ratio {result.Ratio:F2}; {100.0 * result.FractionOfPeak:F0} %% of the peak; workspace {float result.PeakBytes / 1048576.0:F1} MiB; gradients agree to {result.GreatestDifference:E1}"

/// `ntmlab bench phases`.
let private benchPhases (arguments: ParseResults<BenchArgument>) (json: bool) : unit =
    let result = PhaseBenchmark.Run(arguments.GetResult(Batch, 1), arguments.GetResult(Length, 20))

    if json then
        printJson (JsonSerializer.SerializeToNode(result, ConfigurationJson.Options))
    else
        table [ "phase"; "us a step and sequence"; "share"; "multiply-adds"; "of the peak" ] [
            for phase in result.Phases ->
                [
                    phase.Name
                    $"{phase.MicrosecondsPerStep:F2}"
                    $"{100.0 * phase.Share:F1} %%"
                    if phase.MultiplyAdds > 0L then
                        $"{phase.MultiplyAdds}"
                    else
                        ""
                    if phase.MultiplyAdds > 0L then
                        $"{100.0 * phase.FractionOfPeak:F0} %%"
                    else
                        ""
                ]
        ]

        let roof = result.Roofline

        printfn
            $"{result.MicrosecondsPerStep:F2} us a step and sequence; this core: {roof.MultiplyAddsPerSecond / 1e9:F1} G multiply-adds/s, second-level cache {roof.CacheBytesPerSecond / 1e9:F0} GB/s, memory {roof.MemoryBytesPerSecond / 1e9:F0} GB/s"

/// `ntmlab bench batches`.
let private benchBatches (arguments: ParseResults<BenchArgument>) (json: bool) : unit =
    let costs = BatchBenchmark.Run(arguments.GetResult(Batch, 16), arguments.GetResult(Repeats, 0))

    if json then
        printJson (JsonSerializer.SerializeToNode(costs, ConfigurationJson.Options))
    else
        table [ "task"; "length"; "steps"; "us a draw"; "us a fused step"; "ratio" ] [
            for cost in costs ->
                [
                    cost.Name
                    string cost.Length
                    string cost.Steps
                    $"{cost.DrawMicroseconds:F0}"
                    $"{cost.StepMicroseconds:F0}"
                    $"{100.0 * cost.Ratio:F2} %%"
                ]
        ]

        let worst = costs |> Seq.maxBy _.Ratio
        printfn $"drawing takes at most {100.0 * worst.Ratio:F2} %% of a fused step ({worst.Name})"

/// `ntmlab bench memory`.
let private benchMemory (arguments: ParseResults<BenchArgument>) (json: bool) : unit =
    let slots = arguments.GetResult(BenchArgument.Slots, [ 100; 1_000; 10_000; 65_536; 1_000_000 ])

    let costs = MemoryBenchmark.Run(slots, arguments.GetResult(Length, 100))

    if json then
        printJson (JsonSerializer.SerializeToNode(costs, ConfigurationJson.Options))
    else
        let cell (cost: Cost | null) =
            match cost with
            | null -> "-"
            | cost -> $"{cost.Milliseconds:F2} ms, {float cost.Bytes / 1048576.0:F1} MiB"

        let times (ratio: System.Nullable<float>) = if ratio.HasValue then $"{ratio.Value:F0} x" else "-"

        table [
            "slots"
            "sparse"
            "sparse, filled"
            "sparse, dense engine"
            "ntm, reference"
            "ntm, fused"
            "time"
            "memory"
        ] [
            for cost in costs ->
                [
                    string cost.Slots
                    cell cost.Sparse
                    cell cost.SparseFilled
                    cell cost.SparseReference
                    cell cost.Ntm
                    cell cost.NtmFused
                    times cost.TimeRatio
                    times cost.MemoryRatio
                ]
        ]

        printfn
            $"a training step of {costs[0].Steps} steps, one sequence, one thread; ratios: the same model densely / sparse"

/// `ntmlab bench recall`.
let private benchRecall (arguments: ParseResults<BenchArgument>) (json: bool) : unit =
    let costs = RecallBenchmark.Run(arguments.GetResult(BenchArgument.Slots, [ 10_000; 100_000 ]))

    if json then
        printJson (JsonSerializer.SerializeToNode(costs, ConfigurationJson.Options))
    else
        table [ "slots"; "contents"; "scan"; "search"; "put"; "make"; "recall"; "later"; "MiB" ] [
            for result in costs do
                let cost = result.Cost

                [
                    string cost.Slots
                    result.Contents
                    $"{cost.ScanMicroseconds:F0}"
                    $"{cost.SearchMicroseconds:F0}"
                    $"{cost.PutMicroseconds:F0}"
                    $"{cost.MakeMicroseconds:F0}"
                    $"{cost.Recall:F3}"
                    $"{cost.RecallAfterReplacing:F3}"
                    $"{float cost.Bytes / 1048576.0:F1}"
                ]
        ]

        printfn
            "us to look at every slot, to search and to put a row by the index, and to make it for each slot;"

        printfn "recall of the nearest 4, later: after up to 20 000 rows were replaced; MiB estimated"
        let dearest = costs |> Seq.maxBy _.Cost.ScansToMake

        printfn
            $"making an index takes as long as up to {dearest.Cost.ScansToMake:F0} scans ({dearest.Cost.Slots} slots, {dearest.Contents})"

/// `ntmlab bench store`.
let private benchStore (arguments: ParseResults<BenchArgument>) (json: bool) : unit =
    let cost =
        StoreBenchmark.Run(
            arguments.GetResult(Count, 100),
            arguments.GetResult(Length, 10_000),
            StoreAddress.OfEnvironment
        )

    if json then
        printJson (JsonSerializer.SerializeToNode(cost, ConfigurationJson.Options))
    else
        table [ "what"; "store"; "folders alone"; "folders / store" ] [
            let against what (store: float) (folders: float) = [
                what
                $"{store:F1}"
                $"{folders:F1}"
                $"{folders / store:F1}"
            ]

            against $"ms to list {cost.Runs} runs" cost.ListMilliseconds cost.FolderListMilliseconds

            against
                $"ms to read a curve of {cost.Rows} rows"
                cost.CurveMilliseconds
                cost.FolderCurveMilliseconds
        ]

        printfn
            $"{cost.RowsWrittenPerSecond:N0} rows a second to the folders, {cost.RowsTakenPerSecond:N0} from there into the store"

/// `ntmlab bench ntm` and `ntmlab bench dnc`.
let private printEngines (json: bool) (result: BenchmarkResult) : unit =
    if json then
        printJson (JsonSerializer.SerializeToNode(result, ConfigurationJson.Options))
    else
        table [ "engine"; "ms a batch"; "us a step and sequence" ] [
            [ "fused"; $"{result.FusedMs:F3}"; $"{result.MicrosecondsPerStep:F2}" ]
            [ "reference"; $"{result.ReferenceMs:F2}"; $"{result.MicrosecondsPerStep * result.Ratio:F1}" ]
        ]

        printfn
            $"ratio {result.Ratio:F1}; {100.0 * result.FractionOfPeak:F0} %% of the peak; workspace {float result.PeakBytes / 1048576.0:F1} MiB; gradients agree to {result.GreatestDifference:E1}"

/// `ntmlab bench`.
let run (arguments: ParseResults<BenchArgument>) : int =
    LibTorch.Load()
    let json = arguments.Contains BenchArgument.Json

    match arguments.GetResult BenchArgument.What with
    | Ntm ->
        NtmBenchmark.Run(
            arguments.GetResult(Batch, 1),
            arguments.GetResult(Length, 20),
            arguments.GetResult(BenchArgument.Threads, 1),
            arguments.GetResult(Repeats, 0)
        )
        |> printEngines json
    | Dnc ->
        DncBenchmark.Run(
            arguments.GetResult(Batch, 1),
            arguments.GetResult(Length, 20),
            arguments.GetResult(Read_Heads, 4),
            arguments.GetResult(BenchArgument.Threads, 1),
            arguments.GetResult(Repeats, 0)
        )
        |> printEngines json
    | Phases -> benchPhases arguments json
    | Batches -> benchBatches arguments json
    | Lstm -> benchLayers CellKind.Lstm arguments json
    | Memory -> benchMemory arguments json
    | Recall -> benchRecall arguments json
    | Store -> benchStore arguments json
    | Gru -> benchLayers CellKind.Gru arguments json
    | Long ->
        let costs = NtmBenchmark.ByLength [ 100; 300; 1000; 3000; 10_000; 30_000 ]

        if json then
            printJson (JsonSerializer.SerializeToNode(costs, ConfigurationJson.Options))
        else
            table [ "steps"; "ms a sequence"; "us a step"; "workspace MiB" ] [
                for cost in costs ->
                    [
                        string cost.Steps
                        $"{cost.Milliseconds:F2}"
                        $"{cost.MicrosecondsPerStep:F2}"
                        $"{float cost.PeakBytes / 1048576.0:F1}"
                    ]
            ]

    0

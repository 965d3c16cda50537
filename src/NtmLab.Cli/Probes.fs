/// `ntmlab probe`: looks into models, and prints what it finds as a table or as JSON.
module NtmLab.Cli.Probes

open System
open System.Collections.Generic
open System.Globalization
open System.Text.Json
open Argu
open NtmLab
open NtmLab.Cli.Output
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Native
open NtmLab.Probes
open TorchSharp

let private number (value: float) : string = value.ToString("G3", CultureInfo.InvariantCulture)

/// What is asked of every model.
type private Request = { Lags: IReadOnlyList<int>; Sequences: int; Seed: uint64 }

/// A rate of decay in words; a dash where too few of the norms are above 0.
let private decay (fit: Statistics.Fit option) : string =
    match fit with
    | Some fit -> $"{number fit.Rate} (R2 {fit.RSquared:F2})"
    | None -> "-"

/// The result of a function for every model, each of which is let go before the next is made.
let private each
    (models: (string * (unit -> SequenceModel)) list)
    (look: SequenceModel -> 'T)
    : (string * 'T) list = [
    for name, make in models do
        use scope = torch.NewDisposeScope()
        use model = make ()
        name, look model
]

let private gradientFlow
    (models: (string * (unit -> SequenceModel)) list)
    (request: Request)
    (json: bool)
    : unit =
    let found =
        each models (fun model ->
            let norms = GradientFlow.Measure(model, request.Lags, request.Sequences, seed = request.Seed)
            norms, Statistics.decay [ for norm in norms -> float norm.Lag, norm.Mean ])

    if json then
        let document = [
            for name, (norms, decay) in found ->
                {|
                    Model = name
                    Norms = norms
                    Exponential = decay.Exponential
                    PowerLaw = decay.PowerLaw
                |}
        ]

        printJson (JsonSerializer.SerializeToNode(document, ConfigurationJson.Options))
    else
        table [
            "model"
            for lag in request.Lags do
                $"lag {lag}"
            "rate a step"
            "exponent"
        ] [
            for name, (norms, found) in found ->
                [
                    name
                    for norm in norms do
                        number norm.Mean
                    decay found.Exponential
                    decay found.PowerLaw
                ]
        ]

        printfn
            "mean norms of the gradient of an output with respect to an input so many steps before it; reference engine, autograd, double precision"

let private pathLength
    (models: (string * (unit -> SequenceModel)) list)
    (request: Request)
    (json: bool)
    : unit =
    let found =
        each models (fun model -> PathProbe.Measure(model, request.Lags, request.Sequences, request.Seed))

    if json then
        let document = [ for name, paths in found -> {| Model = name; Paths = paths |} ]
        printJson (JsonSerializer.SerializeToNode(document, ConfigurationJson.Options))
    else
        let cell (path: PathAtLag) =
            let hops =
                if path.Hops.HasValue then
                    string path.Hops.Value
                else
                    "none"

            match path.Verdict with
            | PathVerdict.Confirmed -> hops
            | PathVerdict.Lost -> $"{hops} (lost)"
            | _ -> $"{hops} (REFUTED)"

        table [
            "model"
            for lag in request.Lags do
                $"lag {lag}"
        ] [ for name, paths in found -> [ name; yield! Seq.map cell paths ] ]

        printfn
            "layers on the shortest path from an input to an output; each was confirmed by changing the input, unless the change was lost in rounding"

/// Thousands, millions and so on, with a letter each.
let private counted (value: float) : string =
    match value with
    | _ when value >= 1e9 -> $"{number (value / 1e9)} G"
    | _ when value >= 1e6 -> $"{number (value / 1e6)} M"
    | _ when value >= 1e4 -> $"{number (value / 1e3)} k"
    | _ -> value.ToString("F0", CultureInfo.InvariantCulture)

let private percent (fraction: Nullable<float>) : string =
    if fraction.HasValue then
        (100.0 * fraction.Value).ToString("F1", CultureInfo.InvariantCulture) + " %"
    else
        ""

let private costRow (cost: ModelCost) (cell: CostCell) : string list =
    let work = cell.Work

    [
        cost.Model
        if cell.Mode = CostMode.Training then "train" else "stream"
        string work.Batch
        string work.Length
        counted (work.MultiplyAdds / work.Steps)
        counted (work.Bytes / float work.Length)
        work.Intensity.ToString("F2", CultureInfo.InvariantCulture)

        match cell.Time with
        | null -> "left out"
        | time -> counted time.StepsPerSecond

        match cell.Time with
        | null -> ""
        | time -> counted time.MultiplyAddsPerSecond

        percent cell.Roof.OfCache
        percent cell.Roof.OfMemory
    ]

let private cost (models: string list) (options: CostOptions) (json: bool) : unit =
    let report =
        CostProbe.Measure(List.toArray models, options, (fun name -> eprintfn $"measuring {name}"))

    if json then
        printJson (JsonSerializer.SerializeToNode(report, ConfigurationJson.Options))
    else
        table [ "model"; "parameters"; "values of state"; "engine" ] [
            for cost in report.Models ->
                [
                    cost.Model
                    string cost.Parameters
                    string cost.StateSize
                    if cost.Fused then "fused" else "reference"
                ]
        ]

        table [
            "model"
            "mode"
            "batch"
            "length"
            "MA"
            "bytes"
            "MA/B"
            "steps/s"
            "MA/s"
            "cache"
            "memory"
        ] [
            for cost in report.Models do
                yield! Seq.map (costRow cost) cost.Cells
        ]

        for cost in report.Models do
            for cell in cost.Cells do
                if isNull cell.Time then
                    printfn
                        $"left out: {cost.Model}, {string(cell.Mode).ToLowerInvariant()}, batch {cell.Work.Batch}, length {cell.Work.Length}: {cell.LeftOut}"

        printfn
            "MA: multiply-adds of a step of one sequence; bytes: what a step of the batch must move; cache, memory: MA/s as a part of what the machine allows if all bytes come from there"

        let roof = report.Roofline

        printfn
            $"one core: {counted roof.MultiplyAddsPerSecond} multiply-adds/s, {counted roof.CacheBytesPerSecond} bytes/s from the second-level cache, {counted roof.MemoryBytesPerSecond} bytes/s from memory; it allows the lower of the first and MA/B times bytes/s"

/// Refuses options that the probe asked for does not know.
let private requireKnown (what: Probed) (arguments: ParseResults<ProbeArgument>) : unit =
    let flows = [ Gradient_Flow; Path_Length ]

    for option, isGiven, probes in
        [
            "--run", arguments.Contains ProbeArgument.Run, flows
            "--lags", arguments.Contains Lags, flows
            "--sequences", arguments.Contains ProbeArgument.Sequences, flows
            "--batch", arguments.Contains Cost_Batches, [ Cost ]
            "--lengths", arguments.Contains Cost_Lengths, [ Cost ]
            "--seconds", arguments.Contains Cell_Seconds, [ Cost ]
        ] do
        if isGiven && not (List.contains what probes) then
            let name (probe: Probed) =
                string(probe).ToLowerInvariant().Replace('_', '-')

            let others = String.Join(" and ", List.map name probes)

            raise (
                ConfigurationException $"{option}: is not an option of probe {name what}; it is one of {others}."
            )

/// `ntmlab probe`.
let run (arguments: ParseResults<ProbeArgument>) : int =
    let what = arguments.GetResult ProbeArgument.What
    requireKnown what arguments
    let runs = arguments.GetResult(ProbeArgument.Runs, "runs")
    let seed = arguments.GetResult(ProbeArgument.Seed, 1UL)

    let request = {
        Lags =
            arguments.GetResult(Lags, "1,3,10,30,100")
            |> Commands.numbers "--lags"
            |> List.toArray
        Sequences = arguments.GetResult(ProbeArgument.Sequences, 4)
        Seed = seed
    }

    let trained = [
        for run in arguments.GetResults ProbeArgument.Run ->
            let directory = Commands.findRun runs run
            run, (fun () -> ProbedModels.Trained directory)
    ]

    let named =
        match arguments.GetResults Model with
        | [] when trained.IsEmpty -> [ for entry in Catalog.Models -> entry.Name ]
        | names -> names

    let untrained = [ for name in named -> name, (fun () -> ProbedModels.Untrained(name, seed)) ]
    LibTorch.Load()
    // Many small operations after each other: threads would only wait for each other, the longer the busier the machine is.
    torch.set_num_threads 1
    let json = arguments.Contains ProbeArgument.Json

    match what with
    | Gradient_Flow -> gradientFlow (untrained @ trained) request json
    | Path_Length -> pathLength (untrained @ trained) request json
    | Cost ->
        let usual = CostOptions()

        let given option usual (text: string option) : IReadOnlyList<int> =
            match text with
            | Some text -> Commands.numbers option text |> List.toArray :> IReadOnlyList<int>
            | None -> usual

        let options =
            CostOptions(
                Batches = given "--batch" usual.Batches (arguments.TryGetResult Cost_Batches),
                Lengths = given "--lengths" usual.Lengths (arguments.TryGetResult Cost_Lengths),
                Seconds = arguments.GetResult(Cell_Seconds, usual.Seconds),
                Seed = seed
            )

        cost named options json

    0

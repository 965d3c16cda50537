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
type private Request = {
    Lags: IReadOnlyList<int>
    Sequences: int
    Seed: uint64
    Engine: EngineChoice
    Steps: int
}

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
            let norms =
                GradientFlow.Measure(
                    model,
                    request.Lags,
                    request.Sequences,
                    seed = request.Seed,
                    engine = request.Engine
                )

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

        let computed =
            match request.Engine with
            | EngineChoice.Reference -> "reference engine, autograd, double precision"
            | EngineChoice.Fused -> "fused engine, single precision"
            | _ ->
                "fused engine, single precision, or for models that it does not know reference engine, double precision"

        printfn
            $"mean norms of the gradient of an output with respect to an input so many steps before it; {computed}"

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
    | _ when value >= 1e9 -> $"{number (value / 1e9)}G"
    | _ when value >= 1e6 -> $"{number (value / 1e6)}M"
    | _ when value >= 1e4 -> $"{number (value / 1e3)}k"
    | _ -> value.ToString("F0", CultureInfo.InvariantCulture)

let private percent (fraction: Nullable<float>) : string =
    if fraction.HasValue then
        let value = 100.0 * fraction.Value

        value.ToString((if value < 9.95 then "F1" else "F0"), CultureInfo.InvariantCulture)
        + " %"
    else
        ""

let private costRow (cell: CostCell) : string list =
    let work = cell.Work

    [
        if cell.Mode = CostMode.Training then "train" else "stream"
        string work.Batch
        string work.Length
        counted (work.MultiplyAdds / work.Steps)
        counted (work.Bytes / float work.Length)
        work.Intensity.ToString("F2", CultureInfo.InvariantCulture)

        match cell.Time with
        | null -> "left out"
        | time -> counted time.StepsPerSecond

        percent cell.Roof.OfCache
        percent cell.Roof.OfMemory
    ]

let private cost (models: string list) (options: CostOptions) (json: bool) : unit =
    let report = CostProbe.Measure(List.toArray models, options, (fun name -> eprintfn $"measuring {name}"))

    if json then
        printJson (JsonSerializer.SerializeToNode(report, ConfigurationJson.Options))
    else
        for cost in report.Models do
            let engine = if cost.Fused then "fused" else "reference"

            printfn
                $"{cost.Model}: {cost.Parameters} parameters, {cost.StateSize} values of state, {engine} engine"

            table [ "mode"; "batch"; "length"; "MA"; "bytes"; "MA/B"; "steps/s"; "cache"; "memory" ] [
                for cell in cost.Cells -> costRow cell
            ]

        for cost in report.Models do
            for cell in cost.Cells do
                if isNull cell.Time then
                    printfn
                        $"left out: {cost.Model}, {string(cell.Mode).ToLowerInvariant()}, batch {cell.Work.Batch}, length {cell.Work.Length}: {cell.LeftOut}"

        printfn
            "MA: multiply-adds of a step of one sequence; bytes: what a step of the batch must move; steps/s: steps of all sequences; cache, memory: the multiply-adds done a second, of those that the machine allows if all bytes come from there"

        let roof = report.Roofline

        printfn
            $"one core: {counted roof.MultiplyAddsPerSecond} multiply-adds/s, {counted roof.CacheBytesPerSecond} bytes/s from the second-level cache, {counted roof.MemoryBytesPerSecond} bytes/s from memory; allowed is the lower of the first and MA/B times bytes/s"

let private jacobian
    (models: (string * (unit -> SequenceModel)) list)
    (request: Request)
    (json: bool)
    : unit =
    let found = each models (fun model -> JacobianProbe.Measure(model, request.Steps, seed = request.Seed))

    if json then
        let document = [ for name, spectrum in found -> {| Model = name; Spectrum = spectrum |} ]
        printJson (JsonSerializer.SerializeToNode(document, ConfigurationJson.Options))
    else
        table [ "model"; "state"; "norm"; "median"; "radius"; "kept"; "growth"; "median exponent" ] [
            for name, spectrum in found ->
                let average (value: JacobianPoint -> float) = Seq.averageBy value spectrum.Points
                let mean = average >> number

                let rate (value: Nullable<float>) = if value.HasValue then number value.Value else "-inf"

                [
                    name
                    string spectrum.StateSize
                    mean _.Norm
                    mean _.MedianSingularValue
                    mean _.SpectralRadius
                    $"{100.0 * average _.Kept:F0} %%"
                    rate spectrum.GrowthRate
                    rate spectrum.Exponents[spectrum.Exponents.Count / 2]
                ]
        ]

        printfn
            $"Jacobian of the next state by the last one, {request.Steps} steps; norm and median: singular values, radius: greatest modulus of an eigenvalue, kept: eigenvalues of a modulus above 0.99, each the mean over some steps; growth: (1/N) ln of the norm of the product of all steps; exponents: rates of its directions"

/// The engine that is asked for.
let private engineOf (name: string) : EngineChoice =
    match name with
    | "reference" -> EngineChoice.Reference
    | "auto" -> EngineChoice.Auto
    | "fused" -> EngineChoice.Fused
    | other ->
        raise (ConfigurationException $"--engine: '{other}' is not allowed; reference, auto and fused are.")

/// Refuses options that the probe asked for does not know.
let private requireKnown (what: Probed) (arguments: ParseResults<ProbeArgument>) : unit =
    let flows = [ Gradient_Flow; Path_Length ]

    for option, isGiven, probes in
        [
            "--run", arguments.Contains ProbeArgument.Run, flows @ [ Jacobian ]
            "--lags", arguments.Contains Lags, flows
            "--sequences", arguments.Contains ProbeArgument.Sequences, flows
            "--engine", arguments.Contains Flow_Engine, [ Gradient_Flow ]
            "--steps", arguments.Contains Jacobian_Steps, [ Jacobian ]
            "--batch", arguments.Contains Cost_Batches, [ Cost ]
            "--lengths", arguments.Contains Cost_Lengths, [ Cost ]
            "--seconds", arguments.Contains Cell_Seconds, [ Cost ]
        ] do
        if isGiven && not (List.contains what probes) then
            let name (probe: Probed) = string(probe).ToLowerInvariant().Replace('_', '-')

            let others = String.Join(" and ", List.map name probes)

            raise (
                ConfigurationException
                    $"{option}: is not an option of probe {name what}; it is one of {others}."
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
            |> WholeNumbers.parse "--lags"
            |> List.toArray
        Sequences = arguments.GetResult(ProbeArgument.Sequences, 4)
        Seed = seed
        Engine = engineOf (arguments.GetResult(Flow_Engine, "reference"))
        Steps = arguments.GetResult(Jacobian_Steps, 100)
    }

    let trained = [
        for run in arguments.GetResults ProbeArgument.Run ->
            let directory = RunLookup.findRun runs run
            run, (fun () -> ProbedModels.Trained directory)
    ]

    let named =
        match arguments.GetResults Model with
        | [] when trained.IsEmpty && what = Jacobian -> [ "rnn"; "gru"; "lstm" ]
        | [] when trained.IsEmpty -> [ for entry in Catalog.Models -> entry.Name ]
        | names -> names

    let changes = arguments.GetResults Model_Set |> List.toArray

    let untrained = [ for name in named -> name, (fun () -> ProbedModels.Untrained(name, seed, changes)) ]

    LibTorch.Load()
    // Many small operations after each other: threads would only wait for each other, the longer the busier the machine is.
    torch.set_num_threads 1
    let json = arguments.Contains ProbeArgument.Json

    match what with
    | Gradient_Flow -> gradientFlow (untrained @ trained) request json
    | Path_Length -> pathLength (untrained @ trained) request json
    | Jacobian -> jacobian (untrained @ trained) request json
    | Cost ->
        let usual = CostOptions()

        let given option usual (text: string option) : IReadOnlyList<int> =
            match text with
            | Some text -> WholeNumbers.parse option text |> List.toArray :> IReadOnlyList<int>
            | None -> usual

        let options =
            CostOptions(
                Batches = given "--batch" usual.Batches (arguments.TryGetResult Cost_Batches),
                Lengths = given "--lengths" usual.Lengths (arguments.TryGetResult Cost_Lengths),
                Seconds = arguments.GetResult(Cell_Seconds, usual.Seconds),
                Changes = changes,
                Seed = seed
            )

        cost named options json

    0

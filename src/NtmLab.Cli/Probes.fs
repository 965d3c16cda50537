/// `ntmlab probe`: looks into models, and prints what it finds as a table or as JSON.
module NtmLab.Cli.Probes

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

/// `ntmlab probe`.
let run (arguments: ParseResults<ProbeArgument>) : int =
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

    match arguments.GetResult ProbeArgument.What with
    | Gradient_Flow -> gradientFlow (untrained @ trained) request json
    | Path_Length -> pathLength (untrained @ trained) request json

    0

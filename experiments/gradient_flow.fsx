// Does a long path destroy gradients? The norm of d output(T) / d input(0) against T, of the models of the memory-length study that
// learned to recall a needle over short lags, as they start and as they are when they have learned it.
#load "lag_trainings.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Probes
open Study_models
open Lag_trainings

let lags =
    match Study.budget () with
    | StudyBudget.Smoke -> [ 1; 3; 10; 30 ]
    | StudyBudget.Quick -> [ 1; 3; 10; 30; 100; 300 ]
    | _ -> [ 1; 3; 10; 30; 100; 300; 1000; 3000 ]

let needle = plan.Tasks.Head
let trainedLag = shortLag

/// Those that could be trained up to that lag.
let names = names |> List.filter (fun name -> trainedLag <= (followed name).Trained)

/// Every model as the first seed was trained.
let cells =
    let rateOf = rateOf (search (fst needle))
    [ for name in names -> (trained Way.Growing needle rateOf trainedLag name).Head ]

type Flow = { Model: string; IsTrained: bool; Norms: (float * float) list }

let measure (name: string) (isTrained: bool) (key: string) (make: unit -> SequenceModel) : Flow =
    let norms: GradientNorm list =
        Study.finding
            $"gradient-flow, {key}, lags {listed lags}, 4 sequences, 2 directions, seed 1"
            (fun () ->
                use model = make ()
                GradientFlow.Measure(model, List.toArray lags) |> List.ofSeq)

    {
        Model = name
        IsTrained = isTrained
        Norms = [ for norm in norms -> float norm.Lag, norm.Mean ]
    }

let runs = make cells

let wrong =
    Map [
        for cell, record in runs ->
            cell.Model, (record.Evaluation |> Seq.find (fun score -> score.Length = trainedLag)).Score
    ]

/// A model as it starts, and what it is called among findings.
let untrained (cell: Cell) : string * (unit -> SequenceModel) =
    $"{cell.Model} untrained, lags up to {trainedLag}, {plan.Parameters} parameters at most",
    fun () -> cell.Experiment.Model.Build(cell.Experiment.Task, RandomStream(1UL, "model"))

/// The same of a model as it was trained.
let afterTraining (cell: Cell) : string * (unit -> SequenceModel) =
    let training = cell.Experiment.Training

    $"{cell.Model} as trained in {cell.Experiment.Name} with seed {cell.Seed} for {training.Sequences} sequences at {cell.Rate}, {plan.Parameters} parameters at most",
    fun () -> ProbedModels.Trained(Study.folder cell.Experiment)

let flows = [
    for cell in cells do
        untrained cell ||> measure cell.Model false
        afterTraining cell ||> measure cell.Model true
]

// The spectral view: by how much one step of a recurrent network, and a hundred of them, stretch a change of its state.
let recurrent = [ "rnn"; "gru"; "lstm"; "lstm-chrono" ]

let spectrum (key: string) (make: unit -> SequenceModel) : JacobianSpectrum =
    Study.finding $"jacobian, {key}, 100 steps, seed 1" (fun () ->
        use model = make ()
        JacobianProbe.Measure model)

let spectra = [
    for cell in cells do
        if List.contains cell.Model recurrent then
            cell.Model, untrained cell ||> spectrum, afterTraining cell ||> spectrum
]

let flowOf (name: string) (isTrained: bool) =
    flows |> List.find (fun flow -> flow.Model = name && flow.IsTrained = isTrained)

/// By how much the norm falls from the shortest lag to the longest.
let left (flow: Flow) : float = snd (List.last flow.Norms) / snd flow.Norms.Head

/// Whether an output has the input of the longest lag in sight at all.
let sees (cell: Cell) : bool =
    use model = cell.Experiment.Model.Build(cell.Experiment.Task, RandomStream(1UL, "model"))
    model.PathLength(int64 (List.last lags)) <> SequenceModel.NoPath

let seeing = Map [ for cell in cells -> cell.Model, sees cell ]

/// Two digits that count, without a power of ten where a number has four digits at most.
let short (value: float) : string =
    let digits = value.ToString("G2", System.Globalization.CultureInfo.InvariantCulture)

    if abs value >= 100.0 && abs value < 9950.0 then
        string (float digits)
    else
        digits

/// Norms are sums of squares: what is less than the root of the least number in double precision is 0.
let leftInWords (flow: Flow) : string =
    match left flow with
    | 0.0 when seeing[flow.Model] -> "< 1E-150"
    | 0.0 -> "no path"
    | part -> short part

let percent (part: float) : string = string (round (100.0 * part)) + " %"

let rate (flow: Flow) : string =
    match (Statistics.decay flow.Norms).Exponential with
    | Some fit -> $"{short fit.Rate} (R² {fit.RSquared:F2})"
    | None -> "no path"

Lines.draw
    {
        XName = "lag, steps"
        YName = "norm of the gradient"
        Scale = Lines.ByFactors 1e-16
        Reference = None
        Panels = [
            for isTrained, heading in [ false, "untrained"; true, $"trained on lags up to {trainedLag}" ] ->
                {
                    Heading = heading
                    Series = [
                        for name in names ->
                            {
                                Name = name
                                Points = [ for lag, norm in (flowOf name isTrained).Norms -> lag, [ norm ] ]
                            }
                    ]
                }
        ]
        Columns = 2
        Panel = 330, 300
    }
    (Report.figure "gradient-flow")

let median (spectrum: JacobianSpectrum) (part: JacobianPoint -> float) : float =
    Statistics.median [ for point in spectrum.Points -> part point ]

let isLost flow = left flow < 1e-6
let lost isTrained = recurrent |> List.filter (fun name -> isLost (flowOf name isTrained))

let named (models: string list) = if models.IsEmpty then "none" else String.concat ", " models

Report.publish {
    Name = "gradient-flow"
    Numbers = [
        "longest", string (List.last lags)
        "trained-lag", string trainedLag
        for flow in flows do
            let state = if flow.IsTrained then "trained" else "untrained"
            $"left-{state}-{flow.Model}", leftInWords flow
            $"rate-{state}-{flow.Model}", rate flow
        for name in names do
            $"wrong-{name}", percent wrong[name]
    ]
    Figures = [
        {
            Name = "gradient-flow"
            Caption =
                "How strongly an output depends on an input T steps before it: norms of gradients by automatic differentiation in double precision, of models as they start and after training on needle recall."
        }
    ]
    Tables = [
        {
            Name = "gradient-flow"
            Caption =
                $"What is left of the gradient over {List.last lags} steps, as a factor from the shortest lag to the longest; the rate of an exponential fitted to its norms; and the fraction of needles that the trained model gets wrong at {trainedLag} steps."
            Headings = [
                "model"
                "untrained: left"
                "rate a step"
                "trained: left"
                "rate a step, trained"
                "wrong"
            ]
            Rows = [
                for name in names ->
                    let before, after = flowOf name false, flowOf name true

                    [
                        name
                        leftInWords before
                        rate before
                        leftInWords after
                        rate after
                        percent wrong[name]
                    ]
            ]
        }
        {
            Name = "spectra"
            Caption =
                "One step of a recurrent network as a linear map of its state, along a sequence: the greatest modulus of an eigenvalue, the share of those above 0.99, and by which rate a step 100 of them stretch a change of the state at most."
            Headings = [
                "model"
                "radius"
                "kept"
                "growth"
                "radius, trained"
                "kept, trained"
                "growth, trained"
            ]
            Rows = [
                for name, untrained, trained in spectra ->
                    [
                        name
                        for spectrum in [ untrained; trained ] do
                            short (median spectrum _.SpectralRadius)
                            percent (median spectrum _.Kept)

                            match Option.ofNullable spectrum.GrowthRate with
                            | Some rate -> short rate
                            | None -> "-"
                    ]
            ]
        }
    ]
    Claims = [
        {
            Place = 40
            Claim = "A path through T sequential steps destroys gradients."
            Verdict =
                if List.last lags < 300 then
                    Report.Verdict.Open
                else
                    match lost false, lost true with
                    | [], [] -> Report.Verdict.Refuted
                    | _, trained when trained.Length = recurrent.Length -> Report.Verdict.Holds
                    | _ -> Report.Verdict.HoldsInPart
            Evidence =
                let before, after = named (lost false), named (lost true)
                $"over {List.last lags} steps less than a millionth of the gradient is left, of {recurrent.Length} recurrent models: untrained in {before}; trained in {after}"
        }
    ]
}

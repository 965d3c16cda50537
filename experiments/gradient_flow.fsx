// Does a long path destroy gradients? The norm of d output(T) / d input(0) against T, of models as they start and as they are when
// they have learned to recall a needle over lags up to 100.
#load "study_models.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Tasks
open NtmLab.Training
open Study_models

let parameters, lags, sequences =
    match Study.budget () with
    | StudyBudget.Smoke -> 10_000L, [ 1; 3; 10; 30 ], 160L
    | StudyBudget.Quick -> 50_000L, [ 1; 3; 10; 30; 100; 300 ], 5_000L
    | _ -> 50_000L, [ 1; 3; 10; 30; 100; 300; 1000 ], 20_000L

let trainedLag = 100
let asked = NeedleTask(MinLag = 1, MaxLag = trainedLag)
let options = Map [ for name in names -> name, sized parameters asked (List.last lags) name ]

let training (name: string) = experiment $"flow-{name}" {
    summary "Does a long path destroy gradients?"
    task asked
    model options[name]

    training (
        TrainingOptions(
            Sequences = sequences,
            Batch = 16,
            Curriculum = ExponentialCurriculum(From = 4, Over = 0.8),
            Optimiser = AdamOptions(LearningRate = 1e-3),
            Schedule = CosineSchedule(WarmUp = sequences / 20L, Final = 0.05),
            ClipNorm = 1.0,
            Solved = SolvedOptions(Score = 0.0, Window = 1_000, Continue = sequences),
            EvaluateEvery = 1_000_000L,
            CheckpointEvery = 5_000L
        )
    )

    evaluation (EvaluationOptions(Lengths = [ trainedLag ], Sequences = 100))
}

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

let runs = Study.step [ for name in names -> training name ]

let wrong =
    Map [ for name, (record, _) in List.zip names runs -> name, (Seq.last record.Evaluation).Score ]

let flows = [
    for name, (record, directory) in List.zip names runs do
        measure name false $"{name} untrained, {parameters} parameters at most" (fun () ->
            options[name].Build(asked, RandomStream(1UL, "model")))

        measure
            name
            true
            $"{name} as trained in {record.Id} for {sequences} sequences, {parameters} parameters at most"
            (fun () -> ProbedModels.Trained directory)
]

// The spectral view: by how much one step of a recurrent network, and a hundred of them, stretch a change of its state.
let recurrent = [ "rnn"; "gru"; "lstm"; "lstm-chrono" ]

let spectrum (name: string) (key: string) (make: unit -> SequenceModel) : JacobianSpectrum =
    Study.finding $"jacobian, {key}, 100 steps, seed 1" (fun () ->
        use model = make ()
        JacobianProbe.Measure model)

let spectra = [
    for name, (record, directory) in List.zip names runs do
        if List.contains name recurrent then
            let untrained =
                spectrum name $"{name} untrained, {parameters} parameters at most" (fun () ->
                    options[name].Build(asked, RandomStream(1UL, "model")))

            let trained =
                spectrum
                    name
                    $"{name} as trained in {record.Id} for {sequences} sequences, {parameters} parameters at most"
                    (fun () -> ProbedModels.Trained directory)

            name, untrained, trained
]

let flowOf (name: string) (isTrained: bool) =
    flows |> List.find (fun flow -> flow.Model = name && flow.IsTrained = isTrained)

/// By how much the norm falls from the shortest lag to the longest.
let left (flow: Flow) : float = snd (List.last flow.Norms) / snd flow.Norms.Head

let short (value: float) = value.ToString("G2", System.Globalization.CultureInfo.InvariantCulture)

let rate (flow: Flow) : string =
    match (Statistics.decay flow.Norms).Exponential with
    | Some fit -> $"{short fit.Rate} (R2 {fit.RSquared:F2})"
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
            $"left-{state}-{flow.Model}", short (left flow)
            $"rate-{state}-{flow.Model}", rate flow
    ]
    Tables = [
        {
            Name = "gradient-flow"
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
                        short (left before)
                        rate before
                        short (left after)
                        rate after
                        string (round (100.0 * wrong[name])) + " %"
                    ]
            ]
        }
        {
            Name = "spectra"
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
                            string (round (100.0 * median spectrum _.Kept)) + " %"

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

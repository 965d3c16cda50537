// How many layers does a signal pass from an input to an output T steps later? What each model says of its own graph, checked by
// changing the input and looking whether the output changes.
#load "study_models.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Tasks
open Study_models

/// Lags whose path is stated.
let lags = [ 1; 10; 100; 1000; 10_000; 30_000 ]

/// Lags at which inputs are changed.
let checkedAt =
    match Study.budget () with
    | StudyBudget.Smoke -> [ 1; 10 ]
    | StudyBudget.Quick -> [ 1; 10; 100 ]
    | _ -> [ 1; 10; 100; 1000 ]

let asked = NeedleTask()
let build (name: string) = (sized 50_000L asked farthest name).Build(asked, RandomStream(1UL, "model"))

let stated (name: string) : int64 list =
    use model = build name
    [ for lag in lags -> model.PathLength(int64 lag) ]

let looked: (string * PathAtLag list) list = [
    for name in names ->
        let key =
            $"path-length, {name}, 50 000 parameters at most, lags {listed checkedAt}, 4 sequences, seed 1"

        name,
        Study.finding key (fun () ->
            use model = build name
            PathProbe.Measure(model, List.toArray checkedAt) |> List.ofSeq)
]

let hops (name: string) (lag: int) : int64 = List.zip lags (stated name) |> List.find (fst >> (=) lag) |> snd
let words (hops: int64) = if hops = SequenceModel.NoPath then "none" else string hops

let verdict (name: string) : string =
    let _, paths = looked |> List.find (fst >> (=) name)

    let said (verdict: PathVerdict) =
        paths |> List.filter (fun path -> path.Verdict = verdict) |> List.map _.Lag

    match said PathVerdict.Refuted, said PathVerdict.Lost with
    | [], [] -> $"seen to {List.last checkedAt}"
    | [], lost -> $"seen to {List.max (0 :: said PathVerdict.Confirmed)}, then lost in rounding"
    | refuted, _ -> $"refuted at {refuted.Head}"

let isLinear name = abs (float (hops name 10_000) / 10_000.0 - 1.0) < 0.1
let recurrent = [ "rnn"; "gru"; "lstm"; "lstm-chrono" ]
let ofHierarchy = hops "hierarchical-attention"
let grows = float (ofHierarchy 10_000 - ofHierarchy 100) / 2.0

Report.publish {
    Name = "path-length"
    Numbers = [
        for name in names do
            for lag in lags do
                $"{name}-{lag}", words (hops name lag)
    ]
    Figures = []
    Tables = [
        {
            Name = "path-length"
            Caption =
                "The least number of layers between an input and an output so many steps later, as each model states it, and how far a change of the input was seen to reach the output (checked)."
            Headings = [
                "model"
                for lag in lags do
                    string lag
                "checked"
            ]
            Rows = [ for name in names -> [ name; yield! List.map words (stated name); verdict name ] ]
        }
    ]
    Claims = [
        {
            Place = 50
            Claim =
                "Through a recurrent network a signal passes T steps one after the other, through a hierarchy of attention log T."
            Verdict =
                if List.forall isLinear recurrent && ofHierarchy 10_000 < 30L then
                    Report.Verdict.Holds
                else
                    Report.Verdict.Refuted
            Evidence =
                let lstm, hierarchy = hops "lstm" 10_000, ofHierarchy 10_000
                let attention, memory = words (hops "attention" 10_000), hops "ntm" 10_000
                $"over 10 000 steps: lstm {lstm} layers, hierarchical attention {hierarchy} ({grows:F1} more for each factor of ten), attention {attention}, ntm {memory}"
        }
    ]
}

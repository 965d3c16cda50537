/// What curricula draw, and how often they should.
module NtmLab.Tests.Tasks.Curricula.Draws

open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests

/// Curricula of every kind whose rules come into play within a few batches of a short range.
let curricula: (string * Curriculum) list = [
    "uniform", UniformCurriculum()
    "fixed", FixedCurriculum(Length = 2)
    "linear", LinearCurriculum(Over = 0.9)
    "exponential", ExponentialCurriculum(From = 2, Over = 0.7)
    "promote", PromoteCurriculum(Score = 1e9, Window = 6)
    "look-and-say", LookAndSayCurriculum(Score = 1e9, Window = 6)
    "prediction-gain", PredictionGainCurriculum(Arms = 3, Eta = 20.0, Reservoir = 2)
]

/// The curricula that learn from what becomes of batches.
let learning: (string * Curriculum) list =
    curricula |> List.filter (fun (_, curriculum) -> curriculum.NeedsOneLength)

/// The length that a curriculum draws from the stream of a key.
let draw
    (curriculum: Curriculum)
    (range: LengthRange)
    (state: CurriculumState)
    (progress: float)
    (key: int)
    : int =
    curriculum.Draw(range, state, progress, RandomStream(1UL, "draws", uint64 key))

/// An outcome of a batch of four.
let outcome (length: int) (score: float) : BatchOutcome = BatchOutcome(length, 1.0, nan, score, 4)

/// Requires lengths to come as often as their probabilities say, and no others to come.
let fit (probabilities: Map<int, float>) (lengths: int[]) : unit =
    let possible = probabilities |> Map.filter (fun _ probability -> probability > 0.0)
    let counts = lengths |> Array.countBy id |> Map.ofArray
    Expect.isLessThan (abs (Seq.sum possible.Values - 1.0)) 1e-9 "the probabilities are all there are"

    for length in counts.Keys do
        Expect.isTrue (possible.ContainsKey length) $"length {length} is possible"

    // A single possible length leaves nothing to compare.
    if possible.Count > 1 then
        [| for length in possible.Keys -> counts |> Map.tryFind length |> Option.defaultValue 0 |]
        |> ChiSquare.fits (Seq.toArray possible.Values)

/// Equal probabilities of all lengths from one to another.
let uniform (first: int) (last: int) : Map<int, float> =
    Map [ for length in first..last -> length, 1.0 / float (last - first + 1) ]

/// The probabilities of a mixture.
let mixture (parts: (float * Map<int, float>) list) : Map<int, float> =
    parts
    |> List.collect (fun (share, part) -> [ for KeyValue(length, value) in part -> length, share * value ])
    |> List.groupBy fst
    |> List.map (fun (length, values) -> length, List.sumBy snd values)
    |> Map

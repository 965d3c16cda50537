/// Runs side by side: those that differ in nothing but seed and name are one group, and groups are held against each other.
[<RequireQualifiedAccess>]
module NtmLab.Comparison

open NtmLab.Runs

/// What several seeds of one configuration scored at a length.
type Score = { Length: int; Values: float list; Interval: Statistics.Interval }

/// Runs of one configuration.
type Group = {
    /// The experiment's name; with a number where groups of one name differ.
    Name: string
    Records: RunRecord list
    /// A score for each length that all of them were evaluated at.
    Scores: Score list
    /// Sequences until solved, of those that were.
    SolvedAfter: float list
}

/// Two groups at one length.
type Contest = { First: string; Second: string; Length: int; Test: Statistics.RankTest }

let private withoutSeed (record: RunRecord) : string =
    let configuration = record.Configuration.DeepClone().AsObject()

    for key in [ "seed"; "name" ] do
        configuration.Remove key |> ignore

    configuration.ToJsonString()

let private scores (records: RunRecord list) : Score list =
    let lengths =
        records
        |> List.map (fun record -> set [ for score in record.Evaluation -> score.Length ])
        |> Set.intersectMany

    [
        for length in lengths do
            let values = [
                for record in records do
                    for score in record.Evaluation do
                        if score.Length = length then
                            score.Score
            ]

            {
                Length = length
                Values = values
                Interval = Statistics.medianInterval values
            }
    ]

/// Puts runs of one configuration together, in the order in which configurations first come.
let groups (records: RunRecord list) : Group list =
    let together = records |> List.groupBy withoutSeed |> List.map snd
    let names = together |> List.map (fun records -> records.Head.Name)

    [
        for index, records in List.indexed together do
            let name = names[index]
            let alike = names |> List.filter ((=) name) |> List.length
            let number = names |> List.take (index + 1) |> List.filter ((=) name) |> List.length

            {
                Name = if alike > 1 then $"{name} ({number})" else name
                Records = records
                Scores = scores records
                SolvedAfter = [
                    for record in records do
                        if record.SolvedAtSequences.HasValue then
                            float record.SolvedAtSequences.Value
                ]
            }
    ]

/// Every two groups at every length that both were evaluated at.
let contests (groups: Group list) : Contest list = [
    for i, first in List.indexed groups do
        for second in List.skip (i + 1) groups do
            for own in first.Scores do
                for other in second.Scores do
                    if own.Length = other.Length then
                        {
                            First = first.Name
                            Second = second.Name
                            Length = own.Length
                            Test = Statistics.mannWhitney own.Values other.Values
                        }
]

/// `ntmlab compare`: holds runs against each other.
module NtmLab.Cli.Compare

open System
open System.Globalization
open System.Text.Json
open Argu
open NtmLab
open NtmLab.Cli.Output
open NtmLab.Configuration
open NtmLab.Runs

let private number (value: float) : string = value.ToString("G4", CultureInfo.InvariantCulture)

/// The finished runs of an experiment's name, or one run of any status.
let private find (source: IRunSource) (runs: string) (given: string) : RunRecord list =
    let named = [
        for run in source.List() do
            if run.Record.Name = given && run.Record.Status = RunStatus.Finished then
                run.Record
    ]

    if named.IsEmpty then
        let found, known = RunLookup.findKnown runs given
        found.Dispose()
        [ known.Record ]
    else
        List.rev named

let private requireScores (records: RunRecord list) : unit =
    match records |> List.tryFind (fun record -> record.Evaluation.Count = 0) with
    | Some record ->
        let status = (string record.Status).ToLowerInvariant()
        raise (RunException $"{record.Id}: has no scores, it is {status}; finished runs are compared.")
    | None -> ()

    match records |> List.map _.ScoreName |> List.distinct with
    | [ _ ] -> ()
    | names ->
        let names = String.concat " and " names

        raise (
            ConfigurationException
                $"compare: scores of different kinds, {names}; runs of one kind are wanted."
        )

let private interval (found: Statistics.Interval) : string =
    $"{number found.Middle} [{number found.Low}, {number found.High}]"

let private show (score: string) (groups: Comparison.Group list) (contests: Comparison.Contest list) : unit =
    table [ "experiment"; "seeds"; "solved"; "sequences until solved"; "length"; score ] [
        for group in groups do
            for index, found in List.indexed group.Scores do
                let once text = if index = 0 then text else ""

                let solved =
                    match group.SolvedAfter with
                    | [] -> "-"
                    | some -> interval (Statistics.medianInterval some)

                [
                    once group.Name
                    once (string group.Records.Length)
                    once $"{group.SolvedAfter.Length}"
                    once solved
                    string found.Length
                    interval found.Interval
                ]
    ]

    Console.Out.WriteLine "medians over seeds, with 95 % bootstrap intervals"

    if not contests.IsEmpty then
        table [ "first"; "second"; "length"; "first greater"; "p" ] [
            for contest in contests ->
                [
                    contest.First
                    contest.Second
                    string contest.Length
                    $"{100.0 * contest.Test.Superiority:F0} %%"
                    number contest.Test.PValue
                ]
        ]

        Console.Out.WriteLine
            "Mann-Whitney tests, two-sided, not corrected for their number; 3 seeds against 3 give no p below 0.1"

/// What is told of runs that are held against each other, as JSON has it.
let document (records: RunRecord list) : obj =
    requireScores records
    let groups = Comparison.groups records

    {|
        Score = records.Head.ScoreName
        Groups = [
            for group in groups ->
                {|
                    Name = group.Name
                    Runs = [ for record in group.Records -> record.Id ]
                    Seeds = [ for record in group.Records -> record.Seed ]
                    SolvedAfter = group.SolvedAfter
                    Scores = group.Scores
                |}
        ]
        Contests = Comparison.contests groups
    |}

/// `ntmlab compare`.
let run (arguments: ParseResults<CompareArgument>) : int =
    let runs = arguments.GetResult(CompareArgument.Runs, "runs")

    use source = RunLookup.openRuns runs

    let records =
        arguments.GetResult Compared
        |> List.collect (find source runs)
        |> List.distinctBy _.Id

    if arguments.Contains CompareArgument.Json then
        printJson (JsonSerializer.SerializeToNode(document records, ConfigurationJson.Options))
    else
        requireScores records
        let groups = Comparison.groups records
        show records.Head.ScoreName groups (Comparison.contests groups)

    0

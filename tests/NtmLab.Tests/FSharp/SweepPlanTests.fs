module NtmLab.Tests.FSharp.SweepPlanTests

open Expecto
open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Sweeps
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Training

let private written (points: Setting list list) : string list = [
    for point in points -> String.concat " " [ for setting in point -> $"{setting.Path}={setting.Value}" ]
]

let private grid (options: string list) (seeds: string) : string list =
    SweepPlan.parse options (Some seeds) None 1UL |> SweepPlan.points |> written

let private random (sweepSeed: uint64) (count: int) (options: string list) : string list =
    SweepPlan.parse options None (Some count) sweepSeed
    |> SweepPlan.points
    |> written

let private refused (words: string list) (action: unit -> 'T) : unit =
    Faults.says<ConfigurationException> words (fun () -> action () |> ignore)

let private described =
    ExperimentConfiguration(
        Name = "copy",
        Task = CopyTask(Bits = 2, MaxLength = 5),
        Model = RnnOptions(Units = 3),
        Training = TrainingOptions(Sequences = 64L),
        Evaluation = EvaluationOptions(Lengths = [| 2 |])
    )

let private cells (options: string list) : SweepCell list =
    SweepCell.all [ described ] (SweepPlan.parse options (Some "1,2") None 1UL)

let private points =
    testList "points" [
        test "a grid is every combination, with every seed" {
            Expect.equal
                (grid [ "a=1,2"; "b=x,y" ] "3,5..6")
                [
                    for a in [ 1; 2 ] do
                        for b in [ "x"; "y" ] do
                            for seed in [ 3; 5; 6 ] -> $"a={a} b={b} seed={seed}"
                ]
                "the seeds of a point follow each other"
        }

        test "a value that is a list stands in brackets" {
            Expect.equal
                (grid [ "a=[3,5],[7]"; "b=\"x, y\"" ] "1")
                [ "a=[3,5] b=\"x, y\" seed=1"; "a=[7] b=\"x, y\" seed=1" ]
                "two"
        }

        test "drawn points are the same each time, and more of them leave the first as they are" {
            let options = [ "a=log(1e-4,1e-2)"; "b=whole(2,9)"; "c=x,y" ]
            let many = random 1UL 20 options
            Expect.equal (random 1UL 20 options) many "again"
            Expect.equal (random 1UL 5 options) (List.take 5 many) "fewer"
            Expect.notEqual (random 2UL 20 options) many "another sweep seed"
        }

        test "drawn values lie in their range" {
            for range, low, high, isWhole in
                [
                    "uniform(-1,0.12345)", -1.0, 0.12345, false
                    "log(1e-4,1e-2)", 1e-4, 1e-2, false
                    "whole(2,4)", 2.0, 4.0, true
                    "whole-log(16,512)", 16.0, 512.0, true
                ] do
                let plan = SweepPlan.parse [ $"a={range}" ] None (Some 300) 1UL
                let values = [ for point in SweepPlan.points plan -> float point.Head.Value ]
                Expect.all values (fun value -> low <= value && value <= high) range

                if isWhole then
                    Expect.all values (fun value -> value = floor value) range
        }

        test "what cannot be meant is refused" {
            refused [ "a=[3,5"; "not closed" ] (fun () -> grid [ "a=[3,5" ] "1")
            refused [ "a=3]"; "closes nothing" ] (fun () -> grid [ "a=3]" ] "1")
            refused [ "a=1,,2"; "empty" ] (fun () -> grid [ "a=1,,2" ] "1")
            refused [ "--set a"; "--random N" ] (fun () -> grid [ "a=log(1,2)" ] "1")
            refused [ "no range 'lgo'"; "log" ] (fun () -> random 1UL 2 [ "a=lgo(1,2)" ])
            refused [ "above 0" ] (fun () -> random 1UL 2 [ "a=log(0,2)" ])
            refused [ "below the second" ] (fun () -> random 1UL 2 [ "a=uniform(2,1)" ])
            refused [ "given twice" ] (fun () -> grid [ "a=1"; "a=2" ] "1")
            refused [ "seed"; "given twice" ] (fun () -> grid [ "seed=1" ] "1")
            refused [ "--threads" ] (fun () -> grid [ "compute.threads=1,2" ] "1")
            refused [ "path=value" ] (fun () -> grid [ "a" ] "1")

            for seeds in [ "5..1"; "x"; "1..2..3"; ""; "1..99999999"; "-1" ] do
                refused [ $"--seeds {seeds}"; "1..5" ] (fun () -> grid [] seeds)
        }
    ]

let private ofCells =
    testList "cells" [
        test "a cell is its resolved configuration, and says what is its own" {
            let cells = cells [ "model.units=4,5"; "training.batch=8" ]
            Expect.equal [ for cell in cells -> cell.Index ] [ 0..3 ] "places"
            Expect.equal cells[3].Label "model.units=5 seed=2" "what all share is left out"
            Expect.equal cells[3].Configuration.Seed 2UL "resolved"
        }

        test "what would be the same run is one cell" {
            Expect.equal (cells [ "model.units=4,4" ]).Length 2 "one a seed"
        }

        test "threads are no part of what a run is" {
            let other = ConfigurationOverride.Apply(described, [ "compute.threads=3" ])
            Expect.equal (RunCells.identity other) (RunCells.identity described) "the same"
        }

        test "a bad path or value is refused with the sentence of --set" {
            refused [ "model.unit"; "did you mean 'model.units'?" ] (fun () -> cells [ "model.unit=4" ])
            refused [ "model.units: 'x' is not allowed" ] (fun () -> cells [ "model.units=4,x" ])
        }
    ]

let tests = testList "SweepPlan" [ points; ofCells ]

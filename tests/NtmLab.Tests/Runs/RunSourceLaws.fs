/// What holds of every source of runs: it tells what was written, to the bit.
module NtmLab.Tests.Runs.RunSourceLaws

open System.IO
open Expecto
open NtmLab.Runs
open NtmLab.Tests.Scratch
open NtmLab.Training

let private ids (source: IRunSource) : string list = [ for run in source.List() -> run.Record.Id ]

/// Tests of a source, given what opens one for a folder of runs.
let tests (name: string) (openSource: string -> IRunSource) : Test =
    let over (test: string -> IRunSource -> unit) =
        use folder = new Folder()
        use source = openSource folder.Path
        test folder.Path source

    testList $"what holds of every source, for {name}" [
        test "a run is told as it was written" {
            over (fun runs source ->
                let directory = KeptRun.whole runs 1 30
                let known = nonNull (source.Find "copy-seed1-001")
                let written = RunFolder.ReadRecord directory
                Expect.equal known.Directory directory "its folder"

                Expect.equal
                    (known.Record.Report directory |> string)
                    (written.Report directory |> string)
                    "it"

                Expect.equal
                    (string known.Record.Configuration)
                    (string written.Configuration)
                    "configured so"

                Expect.equal known.Record.Machine written.Machine "made on that machine"
                Expect.equal known.Record.Started written.Started "then"
                Expect.equal (source.Script "copy-seed1-001") KeptRun.script "by this script"

                Expect.equal
                    (List.ofSeq (source.Metrics "copy-seed1-001"))
                    [ for batch in 1..30 -> KeptRun.row 0.0 batch ]
                    "every row"

                let scores = [
                    for row in source.Evaluations "copy-seed1-001" -> row.Sequences, List.ofSeq row.Scores
                ]

                let wanted = [
                    for row in [ KeptRun.evaluation 8L; KeptRun.evaluation 16L ] ->
                        row.Sequences, List.ofSeq row.Scores
                ]

                Expect.equal scores wanted "every score")
        }

        test "runs are listed with the newest first" {
            over (fun runs source ->
                for number in [ 2; 1; 3 ] do
                    KeptRun.whole runs number 1 |> ignore

                Expect.equal
                    (ids source)
                    [ "copy-seed3-001"; "copy-seed2-001"; "copy-seed1-001" ]
                    "by their start")
        }

        test "what is written after the source was opened is told" {
            over (fun runs source ->
                use run = KeptRun.create runs 1
                Expect.equal (ids source) [ "copy-seed1-001" ] "it is there from the start"
                KeptRun.append run [ KeptRun.row 0.0 1 ]
                Expect.hasLength (source.Metrics "copy-seed1-001") 1 "a row"
                KeptRun.append run [ KeptRun.row 0.0 2; KeptRun.row 0.0 3 ]
                let later = List.ofSeq (source.Metrics("copy-seed1-001", 1L))
                Expect.equal later [ KeptRun.row 0.0 2; KeptRun.row 0.0 3 ] "those after it"
                run.Update(fun record -> record.WithStatus RunStatus.Finished)
                let known = nonNull (source.Find "copy-seed1-001")
                Expect.equal known.Record.Status RunStatus.Finished "its end")
        }

        test "a torn last row is told when it is whole" {
            over (fun runs source ->
                use run = KeptRun.create runs 1
                KeptRun.append run [ KeptRun.row 0.0 1; KeptRun.row 0.0 2 ]
                let whole = File.ReadAllBytes run.MetricsFile
                File.WriteAllBytes(run.MetricsFile, whole[.. whole.Length - 9])
                Expect.hasLength (source.Metrics run.Record.Id) 1 "the whole one"
                File.WriteAllBytes(run.MetricsFile, whole[.. whole.Length - 2])
                // Whether a row without its end counts is the source's own affair.
                Expect.isLessThanOrEqual (source.Metrics run.Record.Id).Count 2 "no more than there are"
                File.WriteAllBytes(run.MetricsFile, whole)
                Expect.hasLength (source.Metrics run.Record.Id) 2 "both")
        }

        test "what a resumed run drops and writes anew is told anew" {
            over (fun runs source ->
                use run = KeptRun.create runs 1
                KeptRun.append run [ for batch in 1..20 -> KeptRun.row 0.0 batch ]
                Expect.hasLength (source.Metrics run.Record.Id) 20 "the first sitting"
                MetricsRows.Keep<BatchReport>(run.MetricsFile, fun row -> row.Batch <= 8L)
                let again = [ for batch in 9..25 -> KeptRun.row 50.0 batch ]
                KeptRun.append run again
                let wanted = [ for batch in 1..8 -> KeptRun.row 0.0 batch ] @ again
                Expect.equal (List.ofSeq (source.Metrics run.Record.Id)) wanted "of both sittings")
        }

        test "a curve is short, begins and ends with the run, and has the mean of its losses" {
            over (fun runs source ->
                KeptRun.whole runs 1 1001 |> ignore
                let curve = source.Curve("copy-seed1-001", 101)
                let rows = source.Metrics "copy-seed1-001"
                Expect.hasLength curve 101 "as many as asked for"
                Expect.equal curve[0] rows[0] "the first"
                Expect.equal curve[100].Batch 1001L "the last"
                let mean rows = rows |> Seq.averageBy (fun (row: BatchReport) -> row.Loss)

                Expect.floatClose
                    Accuracy.high
                    (mean (Seq.tail curve))
                    (mean (Seq.tail rows))
                    "ten rows each"

                Expect.sequenceEqual (source.Curve("copy-seed1-001", 5000)) rows "no row twice")
        }

        for stranger in
            [ "nobody"; ""; ".."; "../copy-seed1-001"; "a/b"; "copy-seed1-001/checkpoints"; "a\000b" ] do
            test $"there is no run '{stranger.Replace('\000', '0')}'" {
                over (fun runs source ->
                    KeptRun.whole runs 1 1 |> ignore
                    Expect.isNull (source.Find stranger) "nothing"
                    Expect.isEmpty (source.Metrics stranger) "no metrics"
                    Expect.isEmpty (source.Evaluations stranger) "no evaluations"
                    Expect.isNull (source.Script stranger) "no script")
            }
    ]

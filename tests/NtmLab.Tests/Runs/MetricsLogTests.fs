module NtmLab.Tests.Runs.MetricsLogTests

open System
open System.IO
open Expecto
open NtmLab
open NtmLab.Runs
open NtmLab.Tests
open NtmLab.Tests.Scratch
open NtmLab.Training

/// A clock that a test moves.
type private HandClock() =
    inherit TimeProvider()
    member val Seconds = 0L with get, set
    override _.TimestampFrequency: int64 = 1L
    override clock.GetTimestamp() : int64 = clock.Seconds

let private row (n: int) : BatchReport =
    BatchReport(int64 n, 4L * int64 n, 1, 1.0 / float n, 0.1 * float n, Math.PI, 1e-7 * float n)

let private read (path: string) : BatchReport list = MetricsRows.Read<BatchReport> path |> List.ofSeq

let private write (path: string) (numbers: int list) : unit =
    use log = new MetricsLog<BatchReport>(path, HandClock())

    for n in numbers do
        log.Append(row n)

let tests =
    testList "MetricsLog" [
        test "rows are read as they were written" {
            use folder = new Folder()
            write (folder.File "a.jsonl") [ 1..10 ]
            Expect.equal (read (folder.File "a.jsonl")) (List.map row [ 1..10 ]) "to the bit"
        }

        test "rows are appended to those of an earlier sitting" {
            use folder = new Folder()
            write (folder.File "a.jsonl") [ 1..3 ]
            write (folder.File "a.jsonl") [ 4..5 ]
            Expect.equal (read (folder.File "a.jsonl")) (List.map row [ 1..5 ]) "in order"
        }

        test "flushed rows can be read while the log is open" {
            use folder = new Folder()
            use log = new MetricsLog<BatchReport>(folder.File "a.jsonl", HandClock())
            log.Append(row 1)
            log.Flush()
            Expect.equal (read (folder.File "a.jsonl")) [ row 1 ] "by another reader"
        }

        test "a row reaches the file by itself after a second" {
            use folder = new Folder()
            let clock = HandClock()
            use log = new MetricsLog<BatchReport>(folder.File "a.jsonl", clock)
            log.Append(row 1)
            clock.Seconds <- 1L
            log.Append(row 2)
            Expect.equal (read (folder.File "a.jsonl")) [ row 1; row 2 ] "without a flush"
        }

        test "a torn last line is ignored, wherever it is torn" {
            use folder = new Folder()
            write (folder.File "a.jsonl") [ 1..3 ]
            let bytes = File.ReadAllBytes(folder.File "a.jsonl")
            let secondEnds = Array.FindLastIndex(bytes, bytes.Length - 2, fun value -> value = byte '\n')

            for length in secondEnds + 1 .. bytes.Length - 2 do
                File.WriteAllBytes(folder.File "b.jsonl", Array.truncate length bytes)

                Expect.equal
                    (read (folder.File "b.jsonl"))
                    [ row 1; row 2 ]
                    $"{length} of {bytes.Length} bytes"
        }

        test "a log that does not exist has no rows" {
            Expect.isEmpty (read "/nowhere/at/all.jsonl") "not a fault"
        }

        test "kept rows can be appended to after a torn line" {
            use folder = new Folder()
            write (folder.File "a.jsonl") [ 1..3 ]
            File.AppendAllText(folder.File "a.jsonl", "{\"batch\":4,\"seq")
            MetricsRows.Keep<BatchReport>(folder.File "a.jsonl", fun row -> row.Batch <= 3L)
            write (folder.File "a.jsonl") [ 4..5 ]
            Expect.equal (read (folder.File "a.jsonl")) (List.map row [ 1..5 ]) "the torn line is gone"
        }

        test "a place where nothing can be written is refused" {
            use folder = new Folder()
            let path = Path.Combine(folder.Path, "missing", "a.jsonl")
            Faults.says<RunException> [ path; "cannot be written" ] (fun () -> write path [])
        }

        test "a full disk is reported" {
            if not (File.Exists "/dev/full") then
                skiptest "this system has no /dev/full"

            use folder = new Folder()
            File.CreateSymbolicLink(folder.File "a.jsonl", "/dev/full") |> ignore
            use log = new MetricsLog<BatchReport>(folder.File "a.jsonl", HandClock())
            log.Append(row 1)
            Faults.says<RunException> [ folder.File "a.jsonl"; "cannot be written" ] log.Flush
        }
    ]

module NtmLab.Tests.Interchange.RunScalarsTests

open System
open System.IO
open System.Text
open Expecto
open NtmLab.Interchange
open NtmLab.Runs
open NtmLab.Tests.Scratch
open NtmLab.Training

/// CRC-32C bit by bit, reflected polynomial 0x82F63B78.
let private crc (bytes: byte[]) : uint32 =
    let turn (value: uint32) =
        if value &&& 1u = 1u then
            (value >>> 1) ^^^ 0x82F63B78u
        else
            value >>> 1

    let step (sum: uint32) (byte: byte) = List.fold (fun value _ -> turn value) (sum ^^^ uint32 byte) [ 1..8 ]

    ~~~(Array.fold step UInt32.MaxValue bytes)

let private masked (bytes: byte[]) : uint32 =
    let sum = crc bytes
    ((sum >>> 15) ||| (sum <<< 17)) + 0xA282EAD8u

/// The contents of the records of a TFRecord file, with their checksums checked.
let private records (path: string) : byte[] list =
    use reader = new BinaryReader(File.OpenRead path)

    [
        while reader.BaseStream.Position < reader.BaseStream.Length do
            let length = reader.ReadBytes 8
            Expect.equal (reader.ReadUInt32()) (masked length) "the checksum of the length"
            let content = reader.ReadBytes(int (BitConverter.ToUInt64(length, 0)))
            Expect.equal (reader.ReadUInt32()) (masked content) "the checksum of the content"
            content
    ]

/// The fields of a message of protocol buffers: number, and the value's bytes; of a varint its eight.
let private fields (message: byte[]) : (int * byte[]) list =
    let mutable at = 0

    let varint () =
        let mutable value, shift, more = 0UL, 0, true

        while more do
            value <- value ||| (uint64 (message[at] &&& 127uy) <<< shift)
            more <- message[at] >= 128uy
            shift <- shift + 7
            at <- at + 1

        value

    let take (count: int) =
        at <- at + count
        message[at - count .. at - 1]

    [
        while at < message.Length do
            let key = int (varint ())

            let value =
                match key &&& 7 with
                | 0 -> BitConverter.GetBytes(varint ())
                | 1 -> take 8
                | 2 -> take (int (varint ()))
                | 5 -> take 4
                | other -> failtest $"wire type {other}"

            key >>> 3, value
    ]

let private field (number: int) (message: (int * byte[]) list) : byte[] =
    message |> List.find (fst >> (=) number) |> snd

/// Time, step, and tags with values of an event that has a summary.
let private scalars (event: byte[]) : float * int64 * (string * float32) list =
    let event = fields event

    let values = [
        for number, value in fields (field 5 event) do
            Expect.equal number 1 "values"
            let value = fields value
            Encoding.UTF8.GetString(field 1 value), BitConverter.ToSingle(field 2 value, 0)
    ]

    BitConverter.ToDouble(field 1 event, 0), BitConverter.ToInt64(field 2 event, 0), values

let private start = float (SampleRun.started.ToUnixTimeSeconds())

let private export (batches: BatchReport list) (test: byte[] list -> unit) : unit =
    use folder = new Folder()

    let evaluations = [
        EvaluationRow(8L, [| LengthScore(2, 0.5, 0.25); LengthScore(5, 1.5, 0.0, 3.0) |])
        EvaluationRow(12L, [| LengthScore(2, 0.25, 0.5) |])
    ]

    let run = SampleRun.withNumbers folder.Path batches evaluations [ LengthScore(9, 0.125, 1.0) ]
    RunScalars.Export(RunNumbers.In run, folder.File "events")
    test (records (folder.File "events"))

let tests =
    testList "RunScalars" [
        test "a checksum is that of the standard's own example" {
            // RFC 3720, appendix B.4: 32 bytes of zeros.
            Expect.equal (crc (Array.zeroCreate 32)) 0x8A9136AAu "CRC-32C"
        }

        test "the file begins with the version" {
            export [ SampleRun.batch 1L ] (fun records ->
                let first = fields records.Head
                Expect.equal (Encoding.UTF8.GetString(field 3 first)) "brain.Event:2" "the version"
                Expect.equal (BitConverter.ToDouble(field 1 first, 0)) start "when the run was made")
        }

        test "every batch has its numbers at its sequences, at the second it was trained" {
            export [ for n in 1L .. 3L -> SampleRun.batch n ] (fun records ->
                let second = SampleRun.batch 2L

                Expect.equal
                    (scalars records[2])
                    (start + 0.5,
                     8L,
                     [
                         "training/length", 2f
                         "training/loss", float32 second.Loss
                         "training/score", float32 second.Score
                         "training/windowScore", float32 second.WindowScore
                         "training/learningRate", float32 (0.5 * (1.0 - 8.0 / 1000.0))
                     ])
                    "the second batch")
        }

        test "scores by length follow the batch they were taken after, and the final ones come last" {
            export [ for n in 1L .. 4L -> SampleRun.batch n ] (fun records ->
                let events = List.map scalars records.Tail
                let steps = [ for _, step, _ in events -> step ]
                Expect.equal steps [ 4L; 8L; 8L; 12L; 12L; 16L; 40L ] "in time"

                Expect.equal
                    events[2]
                    (start + 0.5,
                     8L,
                     [
                         "evaluation/score/2", 0.5f
                         "evaluation/perfectFraction/2", 0.25f
                         "evaluation/score/5", 1.5f
                         "evaluation/perfectFraction/5", 0f
                         "evaluation/slotsUsed/5", 3f
                     ])
                    "the first evaluation"

                Expect.equal
                    (List.last events)
                    (start + 1.0, 40L, [ "final/score/9", 0.125f; "final/perfectFraction/9", 1f ])
                    "the last one")
        }

        test "steps beyond 32 bits are kept" {
            export [ BatchReport(1L, 1L <<< 40, 1, 0.5, 0.5, 0.5, 1.0) ] (fun records ->
                let _, step, _ = scalars records[1]
                Expect.equal step (1L <<< 40) "sequences")
        }
    ]

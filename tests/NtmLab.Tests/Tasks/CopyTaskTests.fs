module NtmLab.Tests.Tasks.CopyTaskTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

/// A task with a batch of it.
type CopyCase = { Bits: int; Batch: int; Length: int; Seed: uint64 }

type Arbitraries =
    static member CopyCase() : Arbitrary<CopyCase> =
        gen {
            let! bits = Gen.choose (1, 9)
            let! batch = Gen.choose (1, 5)
            let! length = Gen.choose (1, 40)
            let! seed = Gen.choose (0, Int32.MaxValue)
            return { Bits = bits; Batch = batch; Length = length; Seed = uint64 seed }
        }
        |> Arb.fromGen

let private law (name: string) (holds: CopyCase -> SequenceBatch -> unit) : Test =
    let check (case: CopyCase) =
        use batch =
            CopyTask(Bits = case.Bits).Generate(RandomStream(case.Seed, "copy"), case.Batch, case.Length)

        holds case batch

    testPropertyWithConfig { FsCheckConfig.defaultConfig with arbitrary = [ typeof<Arbitraries> ] } name check

let private bits (batch: SequenceBatch) : byte[] list =
    [ batch.Input; batch.Target; batch.Mask ] |> List.map Tensors.bits

/// Answers as a person would: remember the vectors up to the delimiter, then say them again.
let private solve (input: float[][]) : float[][] =
    let delimiter = Array.length input[0] - 1

    let seen =
        input
        |> Array.takeWhile (fun step -> step[delimiter] = 0.0)
        |> Array.map (Array.take delimiter)

    let silence = Array.create (seen.Length + 1) (Array.zeroCreate delimiter)
    Array.append silence seen

let private structure =
    testList "structure" [
        law "has 2 L + 1 steps of one bit channel more than the target" (fun case batch ->
            let time = int64 (2 * case.Length + 1)
            Expect.equal batch.Input.shape [| int64 case.Batch; time; int64 case.Bits + 1L |] "the input"
            Expect.equal batch.Target.shape [| int64 case.Batch; time; int64 case.Bits |] "the target"
            Expect.equal batch.Mask.shape [| int64 case.Batch; time |] "the mask"
            Expect.equal batch.Length case.Length "the length")

        law "has the target that an independent solver gives" (fun _ batch ->
            let solved = Tensors.values3 batch.Input |> Array.map solve
            Expect.equal (Tensors.values3 batch.Target) solved "the seen vectors, in order")

        law "raises the delimiter once, after the last vector" (fun case batch ->
            for sequence in Tensors.values3 batch.Input do
                let raised = sequence |> Array.map (fun step -> step[case.Bits])

                let expected =
                    Array.init (2 * case.Length + 1) (fun t -> if t = case.Length then 1.0 else 0.0)

                Expect.equal raised expected "the delimiter's channel")

        law "is blank after the delimiter" (fun case batch ->
            for sequence in Tensors.values3 batch.Input do
                let later = sequence |> Array.skip (case.Length + 1) |> Array.concat
                Expect.all later ((=) 0.0) "the model answers from memory")

        law "counts loss and score in the answer only" (fun case batch ->
            let expected = Array.append (Array.create (case.Length + 1) 0.0) (Array.create case.Length 1.0)

            for mask in Tensors.values3 (batch.Mask.unsqueeze 0L) |> Array.head do
                Expect.equal mask expected "L steps of every sequence")

        law "holds nothing but zeros and ones" (fun _ batch ->
            Expect.all (Tensors.values batch.Input) (fun x -> x = 0.0 || x = 1.0) "bits")
    ]

let private randomness =
    testList "randomness" [
        law "is the same, bit for bit, for the same key" (fun case batch ->
            use again =
                CopyTask(Bits = case.Bits).Generate(RandomStream(case.Seed, "copy"), case.Batch, case.Length)

            Expect.equal (bits again) (bits batch) "nothing but the key decides")

        test "is another batch for another index" {
            let batch index = CopyTask().Generate(RandomStream(1UL, "train", index), 4, 10) |> bits
            Expect.notEqual (batch 0UL) (batch 1UL) "batches differ"
        }

        test "begins at the same alignment on a device, so that a model rounds the same" {
            for length in 1..20 do
                use batch = CopyTask(Bits = 3).Generate(RandomStream(1UL, "copy"), 1, length)
                use copy = batch.To torch.CPU
                Expect.isTrue (Tensors.isAligned copy.Input) $"length {length}"
                Expect.equal (bits copy) (bits batch) "with the same values"
        }

        test "of a known key is the known one" {
            let batch = CopyTask(Bits = 3).Generate(RandomStream(1UL, "copy"), 1, 2)

            Expect.equal
                (Tensors.values3 batch.Input)
                [|
                    [|
                        [| 1.0; 0.0; 1.0; 0.0 |]
                        [| 1.0; 0.0; 0.0; 0.0 |]
                        [| 0.0; 0.0; 0.0; 1.0 |]
                        [| 0.0; 0.0; 0.0; 0.0 |]
                        [| 0.0; 0.0; 0.0; 0.0 |]
                    |]
                |]
                "two vectors, the delimiter, two blanks"
        }

        test "begins with the same sequences however many there are" {
            let batch count = CopyTask().Generate(RandomStream(1UL, "copy"), count, 7)
            let first = (batch 50).Input.narrow(0L, 0L, 20L)

            Expect.equal
                (Tensors.bits first)
                (Tensors.bits (batch 20).Input)
                "so shorter evaluations see a part of longer"
        }

        test "has training lengths uniform from the shortest to the longest" {
            let task = CopyTask(Bits = 1, MinLength = 3, MaxLength = 12)
            let counts = Array.zeroCreate<int> 10

            for k in 0UL .. 3999UL do
                use batch = task.Generate(RandomStream(21UL, "train", k), 1)
                counts[batch.Length - 3] <- counts[batch.Length - 3] + 1

            let statistic = counts |> Array.sumBy (fun count -> (float count - 400.0) ** 2.0 / 400.0)
            Expect.isLessThan statistic 27.88 "chi-square, 9 degrees, the 0.1 % quantile"
        }

        test "has fair bits in every channel" {
            let batch = CopyTask(Bits = 8).Generate(RandomStream(22UL, "train"), 20, 100)
            let ones = batch.Target.sum ([| 0L; 1L |]) |> Tensors.values
            let statistic = ones |> Array.sumBy (fun count -> (count - 1000.0) ** 2.0 / 500.0)
            Expect.isLessThan statistic 26.12 "chi-square, 8 degrees, the 0.1 % quantile"
        }
    ]

let private faults =
    testList "faults" [
        test "length 0 is refused" {
            Faults.says<ConfigurationException> [ "task 'copy': length"; "0"; "1 to 10000000" ] (fun () ->
                CopyTask().Generate(RandomStream(1UL, "copy"), 1, 0) |> ignore)
        }

        test "a length beyond the limit is refused" {
            Faults.says<ConfigurationException>
                [ "task 'copy': length"; "2147483647"; "1 to 10000000" ]
                (fun () -> CopyTask().Generate(RandomStream(1UL, "copy"), 1, Int32.MaxValue) |> ignore)
        }

        test "a batch that no array can hold is refused" {
            Faults.says<ConfigurationException> [ "task 'copy': values in a batch" ] (fun () ->
                CopyTask().Generate(RandomStream(1UL, "copy"), 64, SequenceTask.LengthLimit)
                |> ignore)
        }

        test "an empty batch is refused" {
            Faults.says<ConfigurationException> [ "task 'copy': batch"; "0"; "1 or more" ] (fun () ->
                CopyTask().Generate(RandomStream(1UL, "copy"), 0, 1) |> ignore)
        }

        for option, task in
            [
                "task.bits", CopyTask(Bits = 0)
                "task.minLength", CopyTask(MinLength = 0)
                "task.maxLength", CopyTask(MinLength = 5, MaxLength = 4)
            ] do
            test $"an impossible {option} is refused by name" {
                Faults.says<ConfigurationException> [ $"{option}:"; "is not allowed" ] task.Validate
            }
    ]

let tests = testList "CopyTask" [ structure; randomness; faults ]

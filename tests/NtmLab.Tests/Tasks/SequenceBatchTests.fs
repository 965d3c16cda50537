module NtmLab.Tests.Tasks.SequenceBatchTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Tests.LiveTensors
open TorchSharp

/// The sequences and steps of each of several batches.
type Case = { Sizes: (int * int) list; Seed: uint64 }

type Arbitraries =
    static member Case() : Arbitrary<Case> =
        gen {
            let! sizes = Gen.nonEmptyListOf (Gen.zip (Gen.choose (1, 4)) (Gen.choose (1, 9)))
            let! seed = Gen.choose (0, Int32.MaxValue)
            return { Sizes = sizes; Seed = uint64 seed }
        }
        |> Arb.fromGen

let private config = { FsCheckConfig.defaultConfig with arbitrary = [ typeof<Arbitraries> ] }

/// Batches of uniform numbers: vectors as targets, or tokens.
let private batches (tokens: bool) (case: Case) : SequenceBatch list =
    let random = RandomStream(case.Seed, "join")
    let single (tensor: torch.Tensor) = tensor.``to`` torch.float32

    [
        for sequences, steps in case.Sizes do
            let numbers shape = Tensors.uniform random 1.0 9.0 shape

            let target =
                if tokens then
                    (numbers [ sequences; steps ]).``to`` torch.int64
                else
                    single (numbers [ sequences; steps; 2 ])

            new SequenceBatch(
                steps,
                single (numbers [ sequences; steps; 3 ]),
                target,
                single (numbers [ sequences; steps ])
            )
    ]

/// Requires a joined tensor to hold the sequences in order, each followed by zeros.
let private isJoined (joined: torch.Tensor) (parts: torch.Tensor list) (what: string) : unit =
    let mutable row = 0L

    for part in parts do
        let sequences, steps = part.shape[0], part.shape[1]
        let rows = joined.narrow (0L, row, sequences)

        Expect.equal
            (Tensors.values (rows.narrow (1L, 0L, steps)))
            (Tensors.values part)
            $"{what}: the sequences themselves"

        let rest = rows.narrow (1L, steps, joined.shape[1] - steps)
        Expect.equal (rest.count_nonzero().item<int64>()) 0L $"{what}: blank steps after them"
        row <- row + sequences

    Expect.equal joined.shape[0] row $"{what}: all sequences and no more"
    Expect.equal joined.dtype parts.Head.dtype $"{what}: of the same type"
    Expect.equal joined.shape[2..] parts.Head.shape[2..] $"{what}: of the same width"

let private copies (part: SequenceBatch -> torch.Tensor) (batches: SequenceBatch list) : torch.Tensor list = [
    for batch in batches -> (part batch).clone()
]

let tests =
    testList "SequenceBatch" [
        for kind, tokens in [ "vectors", false; "tokens", true ] do
            testPropertyWithConfig
                config
                $"joined batches of {kind} are their sequences, with blank steps that do not count"
                (fun (case: Case) ->
                    use scope = torch.NewDisposeScope()
                    let parts = batches tokens case

                    let inputs, targets, masks =
                        copies _.Input parts, copies _.Target parts, copies _.Mask parts

                    let joined = SequenceBatch.Join(List.toArray parts)
                    let longest = case.Sizes |> List.map snd |> List.max
                    Expect.equal joined.Input.shape[1] (int64 longest) "as many steps as the longest"
                    isJoined joined.Input inputs "inputs"
                    isJoined joined.Target targets "targets"
                    isJoined joined.Mask masks "mask"
                    let mean = case.Sizes |> List.averageBy (snd >> float)

                    Expect.isLessThanOrEqual
                        (abs (float joined.Length - mean))
                        0.5
                        "the mean length, rounded")

        test "a joined batch scores each sequence as it was scored alone, whatever is said in blank steps" {
            use scope = torch.NewDisposeScope()
            let task = CopyTask(Bits = 3)
            let random = RandomStream(1UL, "join")
            let parts = [ for length in [ 2; 5; 1; 5 ] -> task.Generate(random, 3, length) ]
            let wrong (batch: SequenceBatch) = torch.ones_like batch.Target
            let scores = parts |> List.map (fun batch -> task.Score(wrong batch, batch)) |> Array.concat

            let losses =
                parts
                |> List.map (fun batch -> float (task.Loss(wrong batch, batch).item<float32>()))

            let joined = SequenceBatch.Join(List.toArray parts)
            Expect.equal (task.Score(wrong joined, joined)) scores "wrong bits"

            Expect.floatClose
                Accuracy.medium
                (float (task.Loss(wrong joined, joined).item<float32>()))
                (List.average losses)
                "the loss per sequence"
        }

        // No other test runs meanwhile: the count is of the whole process.
        testSequenced
        <| test "joining uses the batches up" {
            let join () =
                use joined =
                    SequenceBatch.Join(
                        [|
                            for length in [ 2; 5; 5 ] ->
                                CopyTask().Generate(RandomStream(1UL, "join"), 2, length)
                        |]
                    )

                ignore joined

            join ()
            Expect.equal (left join) 0L "none is left"
        }
    ]

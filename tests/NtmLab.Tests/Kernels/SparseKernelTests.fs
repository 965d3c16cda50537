module NtmLab.Tests.Kernels.SparseKernelTests

open Expecto
open NtmLab
open NtmLab.Kernels
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Kernels.MemoryKernelCase
open TorchSharp

let private withSparse = withModel drawSparse

/// A model whose slots start alike.
let private fresh (slots: int) (seed: uint64) : MemoryModel =
    let options =
        SparseOptions(
            Controller = LstmControllerOptions(Units = 12),
            Slots = slots,
            Width = 7,
            ReadHeads = 2,
            Nearest = 3,
            InitialMemory = 0.05f
        )

    let model = options.Build(5, 4, RandomStream(seed, "model")) :?> MemoryModel
    Samples.stir seed model
    model

let private freshCase (time: int) : Case = {
    Inputs = 5
    Outputs = 4
    Options = SparseOptions()
    Batch = 2
    Time = time
    Kernel = KernelOptions()
}

let private equalsTheReference =
    testList "equals the reference" [
        testCase
            "a fused sparse memory gives the reference engine's values and every gradient, for 60 drawn shapes"
            (fun () ->
                for seed in 1UL .. 60UL do
                    equalsReference (drawSparse seed) seed)

        testCase "so it does where slots are used again and again, for a thousand steps" (fun () ->
            use scope = torch.NewDisposeScope()

            let options =
                SparseOptions(
                    Controller = LstmControllerOptions(Units = 10),
                    Slots = 6,
                    Width = 5,
                    ReadHeads = 2,
                    Nearest = 3,
                    InitialMemory = 0.05f
                )

            let case = { freshCase 1100 with Options = options; Batch = 1 }
            // Untrained parameters: a long sequence of strong ones would magnify every rounding.
            use model = options.Build(5, 4, RandomStream(3UL, "model")) :?> MemoryModel
            let reference = compute model case 3UL

            for budget in [ 1L; 256L <<< 20 ] do
                model.Fuse(KernelOptions(MemoryBudget = budget))

                for (name, expected), (_, got) in List.zip reference (compute model case 3UL) do
                    Expect.isLessThan (disagreement got expected) 1e-3 name)

        testCase "a state from outside may have read every slot, and used them in any order" (fun () ->
            for seed in 541UL .. 556UL do
                withSparse seed (fun case model ->

                    let state () =
                        let start = model.InitialState(int64 case.Batch)
                        let random = RandomStream(seed, "state")
                        let tensors = Seq.toArray start.Tensors
                        let last = tensors.Length - 1

                        let drawn low high (like: torch.Tensor) =
                            (Tensors.uniform random low high [ for size in like.shape -> int size ]).``to``
                                torch.float32

                        tensors[last - 2] <- drawn -1.0 1.0 tensors[last - 2]
                        tensors[last - 1] <- drawn 0.0 0.3 tensors[last - 1]
                        // Many equal ones.
                        tensors[last] <- (drawn -6.0 -1.0 tensors[last]).round()
                        [ for tensor in tensors -> tensor.detach().clone().requires_grad_() ]

                    let results () =
                        let leaves = state ()
                        let input = randomTensor seed [ case.Batch; case.Time; case.Inputs ]
                        let start = (model.InitialState(int64 case.Batch)).With(Array.ofList leaves)
                        let struct (output, final) = model.Run(input, start)
                        let weight = randomTensor (seed + 1UL) [ case.Batch; case.Time; case.Outputs ]
                        (output * weight).sum().backward()
                        [ output; yield! final.Tensors; yield! List.map gradient leaves ]

                    let reference = results ()
                    model.Fuse case.Kernel

                    for expected, got in List.zip reference (results ()) do
                        Expect.isLessThan (disagreement got expected) 2e-3 $"{case}"))
    ]

let private manySlots =
    testList "many slots" [
        testCase "slots that a sequence does not touch change no bit, and cost nothing" (fun () ->
            use scope = torch.NewDisposeScope()

            let computed (slots: int) =
                use model = fresh slots 1UL
                model.Fuse 1
                let results = bits (compute model (freshCase 60) 1UL)
                results, model.WorkspaceBytes

            let few, small = computed 1_000
            let many, large = computed 1_000_000
            Expect.equal many few "values and gradients"
            Expect.isLessThan large (small + (64L <<< 10)) "workspace")

        testCase "more slots than in training are computed as the reference does" (fun () ->
            use scope = torch.NewDisposeScope()
            use model = fresh 9 2UL
            use noGradient = torch.no_grad ()
            let input = randomTensor 1UL [ 2; 20; 5 ]
            model.Fuse 1
            model.Slots <- 40
            let fused = model.Forward input
            model.StopFusing()
            Expect.isLessThan (Tensors.distance fused (model.Forward input)) 1e-4 "logits")

        testCase "a sequence from a state leaves nothing to the fresh one after it" (fun () ->
            use scope = torch.NewDisposeScope()
            use model = fresh 50 3UL
            use noGradient = torch.no_grad ()
            model.Fuse 1
            let input = randomTensor 1UL [ 2; 20; 5 ]
            let before = Tensors.bits (model.Forward input)
            let struct (_, state) = model.Run(randomTensor 2UL [ 2; 30; 5 ], model.InitialState 2L)
            model.Run(input, state) |> ignore
            Expect.equal (Tensors.bits (model.Forward input)) before "the same bits")
    ]

let private refused =
    testList "refused" [
        for name, nearest, heads in [ "Nearest", 5, 1; "ReadHeads", 1, 5; "Nearest", 0, 1 ] do
            test $"{nearest} slots read by each of {heads} heads, of 4 slots" {
                let shape = SparseShape(1, 1, CellKind.Lstm, 1, 1, 4, 1, heads, nearest, 0.0f)

                Expect.throwsC
                    (fun () -> new SequenceKernel(shape, KernelOptions()) |> ignore)
                    (fun refusal -> Expect.stringContains refusal.Message name "by name")
            }
    ]

let tests =
    testList "SparseKernel" [
        equalsTheReference
        yield! MemoryKernelLaws.tests drawSparse
        manySlots
        refused
    ]

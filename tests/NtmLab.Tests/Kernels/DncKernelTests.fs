module NtmLab.Tests.Kernels.DncKernelTests

open Expecto
open NtmLab
open NtmLab.Kernels
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Kernels.MemoryKernelCase
open TorchSharp

let private withDnc = withModel drawDnc

/// A model whose slots start alike, as in the paper.
let private fresh (options: DncOptions) (seed: uint64) : MemoryModel =
    let model = options.Build(5, 4, RandomStream(seed, "model")) :?> MemoryModel
    Samples.stir seed model
    model

let private freshCase (options: DncOptions) (batch: int) (time: int) : Case = {
    Inputs = 5
    Outputs = 4
    Options = options
    Batch = batch
    Time = time
    Kernel = KernelOptions()
}

/// Requires that both engines agree.
let private agree (model: MemoryModel) (case: Case) (seed: uint64) : unit =
    let reference = compute model case seed
    model.Fuse case.Kernel

    for (name, expected), (_, got) in List.zip reference (compute model case seed) do
        Expect.isLessThan (disagreement got expected) 1e-3 $"{name}: {case}"

/// Requires that both engines agree on three steps from a drawn state, and on its gradients.
let private agreeFromOutside
    (model: MemoryModel)
    (case: Case)
    (seed: uint64)
    (leastUsage: float)
    (mostUsage: float)
    : unit =
    let options = case.Options :?> DncOptions
    let first = if options.Links then -5 else -3

    let state () =
        let random = RandomStream(seed, "state")
        let tensors = Seq.toArray (model.InitialState(int64 case.Batch)).Tensors
        let first = tensors.Length + first

        let drawn low high (like: torch.Tensor) =
            (Tensors.uniform random low high [ for size in like.shape -> int size ]).``to`` torch.float32

        tensors[first - 1] <- drawn -1.0 1.0 tensors[first - 1]

        for part in first + 1 .. tensors.Length - 1 do
            tensors[part] <- drawn 0.0 (0.5 / float options.Slots) tensors[part]

        // Where usages are exactly 0 or 1, and nothing was written, the product of less used ones has its gradient too.
        tensors[first] <- (drawn leastUsage mostUsage tensors[first]).clamp(0.0.ToScalar(), 1.0.ToScalar())
        tensors[first + 2].narrow(2L, 0L, int64 (options.Slots / 2)).zero_() |> ignore
        [ for tensor in tensors -> tensor.detach().clone().requires_grad_() ]

    let results () =
        let leaves = state ()
        let input = randomTensor seed [ case.Batch; 3; case.Inputs ]
        let start = (model.InitialState(int64 case.Batch)).With(Array.ofList leaves)
        let struct (output, final) = model.Run(input, start)
        let weight = randomTensor (seed + 1UL) [ case.Batch; 3; case.Outputs ]
        (output * weight).sum().backward()
        [ output; yield! final.Tensors; yield! List.map gradient leaves ]

    let reference = results ()
    model.Fuse case.Kernel

    for expected, got in List.zip reference (results ()) do
        Expect.isLessThan (disagreement got expected) 2e-3 $"{case}"

let private equalsTheReference =
    testList "equals the reference" [
        testCase
            "a fused DNC gives the reference engine's values and every gradient, for 100 drawn shapes"
            (fun () ->
                for seed in 1UL .. 100UL do
                    equalsReference (drawDnc seed) seed)

        for links in [ true; false ] do
            for path in paths do
                test $"so it does from an empty memory, where unused slots are alike, links {links}, {path}" {
                    use scope = torch.NewDisposeScope()

                    let options =
                        DncOptions(
                            Controller = LstmControllerOptions(Units = 12),
                            Slots = 6,
                            Width = 7,
                            ReadHeads = 2,
                            Links = links
                        )

                    use model = fresh options 1UL
                    let case = freshCase options 3 5
                    agree model { case with Kernel = KernelOptions(Path = path) } 1UL
                }

        testCase
            "a state from outside may hold any weights, and slots that are not used at all, or wholly"
            (fun () ->
                for seed in 541UL .. 556UL do
                    withDnc seed (fun case model -> agreeFromOutside model case seed -0.3 1.3))

        testCase "slots may hold one number each" (fun () ->
            for seed in 561UL .. 572UL do
                use scope = torch.NewDisposeScope()
                let drawn = drawDnc seed
                let drawnOptions = drawn.Options :?> DncOptions

                let options =
                    DncOptions(
                        Controller = drawnOptions.Controller,
                        Slots = drawnOptions.Slots,
                        Width = 1,
                        ReadHeads = drawnOptions.ReadHeads,
                        Links = drawnOptions.Links,
                        InitialSpread = 0.5
                    )

                let case = { drawn with Options = options }
                use model = build case seed
                agreeFromOutside model case seed 0.1 0.9)

        testCase "more slots than in training are computed as the reference does" (fun () ->
            use scope = torch.NewDisposeScope()

            let options =
                DncOptions(
                    Slots = 9,
                    Width = 4,
                    Controller = LstmControllerOptions(Units = 7),
                    InitialSpread = 0.5
                )

            use model = options.Build(3, 2, RandomStream(1UL, "model")) :?> MemoryModel
            use noGradient = torch.no_grad ()
            let input = randomTensor 1UL [ 2; 20; 3 ]
            model.Fuse 1
            model.Slots <- 37
            let fused = model.Forward input
            model.StopFusing()
            Expect.isLessThan (Tensors.distance fused (model.Forward input)) 1e-4 "logits")

        testCase "long sequences stay within the memory budget" (fun () ->
            use scope = torch.NewDisposeScope()
            let options = DncOptions(Slots = 32, Width = 8, Controller = LstmControllerOptions(Units = 16))
            use model = fresh options 1UL
            model.Fuse(KernelOptions(MemoryBudget = (8L <<< 20)))
            (model.Forward(randomTensor 1UL [ 1; 2001; 5 ])).sum().backward()
            Expect.isLessThan model.WorkspaceBytes (16L <<< 20) "workspace")

        testCase "a sequence that overflows leaves nothing to the one after it" (fun () ->
            use scope = torch.NewDisposeScope()
            let options = DncOptions(Slots = 5, Width = 3, Controller = LstmControllerOptions(Units = 6))
            use model = fresh options 2UL
            model.Fuse 1
            let case = freshCase options 2 6
            let before = bits (compute model case 1UL)
            let start = model.InitialState 2L
            let tensors = Seq.toArray start.Tensors
            let memory = tensors[tensors.Length - 6]
            tensors[tensors.Length - 6] <- torch.full_like (memory, 3e38f)
            let struct (lost, _) = model.Run(randomTensor 2UL [ 2; 6; 5 ], start.With tensors)
            lost.sum().backward()
            Expect.equal (bits (compute model case 1UL)) before "the same bits")
    ]

/// Where the order of usages changes, values jump; steps must be too short for that, and so in double precision.
let private finiteDifferences =
    testCase
        "gradients agree with finite differences of the reference engine's values in double precision"
        (fun () ->
            for seed in 301UL .. 308UL do
                withDnc seed (fun case model ->
                    model.Fuse case.Kernel
                    let gradients = compute model case seed |> List.skip 2

                    let directions =
                        gradients
                        |> List.map (fun (_, g) -> randomTensor seed [ for n in g.shape -> int n ])

                    model.StopFusing()
                    model.``to`` torch.float64 |> ignore
                    let double (tensor: torch.Tensor) = tensor.``to`` torch.float64
                    let input = double (randomTensor seed [ case.Batch; case.Time; case.Inputs ])
                    let weight = double (randomTensor (seed + 1UL) [ case.Batch; case.Time; case.Outputs ])

                    let lossAt (step: float) =
                        use noGradient = torch.no_grad ()

                        let move (by: float) =
                            for struct (_, parameter), direction in
                                Seq.zip (model.named_parameters ()) directions do
                                parameter.add_ (double direction * torch.tensor by) |> ignore

                        move step
                        let loss = (model.Forward input * weight).sum().item<float>()
                        move -step
                        loss

                    let step = 1e-6
                    let measured = (lossAt step - lossAt -step) / (2.0 * step)

                    let derived =
                        List.zip gradients directions
                        |> List.sumBy (fun ((_, g), d) -> (g * d |> double).sum().item<float>())

                    Expect.isLessThan
                        (abs (measured - derived) / (1.0 + abs measured))
                        1e-3
                        $"measured {measured}, derived {derived}: {case}"))

let private refused =
    testList "refused" [
        for name, options in
            [
                "model.maskContent", DncOptions(MaskContent = true)
                "model.deallocate", DncOptions(Deallocate = true)
                "model.sharpenLinks", DncOptions(SharpenLinks = true)
            ] do
            test $"{name} is left to the reference engine" {
                use scope = torch.NewDisposeScope()
                use model = options.Build(3, 2, RandomStream(1UL, "model"))
                Expect.isFalse model.CanFuse "auto"

                Faults.says<ConfigurationException>
                    [ "'fused' is not available"; $"dnc model with {name}"; "'auto' and 'reference' are" ]
                    (fun () -> model.Fuse 1)
            }

        test "no read heads" {
            let shape = DncShape(1, 1, CellKind.Lstm, 1, 1, 4, 1, 0, true)

            Expect.throwsC (fun () -> new SequenceKernel(shape, KernelOptions()) |> ignore) (fun refusal ->
                Expect.stringContains refusal.Message "ReadHeads" "by name")
        }
    ]

let tests =
    testList "DncKernel" [
        equalsTheReference
        finiteDifferences
        yield! MemoryKernelLaws.tests drawDnc
        refused
    ]

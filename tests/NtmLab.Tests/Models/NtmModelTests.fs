module NtmLab.Tests.Models.NtmModelTests

open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Kernels
open NtmLab.Tests.Samples
open NtmLab.Training
open TorchSharp

let private forward (model: SequenceModel) (input: torch.Tensor) : torch.Tensor =
    use noGradient = torch.no_grad ()
    model.Forward input

let private stepByStep (model: SequenceModel) (input: torch.Tensor) : torch.Tensor =
    use noGradient = torch.no_grad ()
    let mutable state = model.InitialState input.shape[0]

    let logits = [|
        for step in input.unbind 1L do
            let struct (logits, next) = model.Step(step, state)
            state <- next
            logits
    |]

    torch.stack (logits, 1L)

let private stirred (options: NtmOptions) : MemoryModel =
    let model = build 1UL options
    stir 2UL model
    model

let private everyModel =
    testList "every model" [
        for name, options in models do
            ModelLaws.tests name options

            test $"with {name}: gives the same bits at once and step by step" {
                use scope = torch.NewDisposeScope()
                let model = stirred options
                let x = input 1UL 3 6

                Expect.equal
                    (Tensors.bits (forward model x))
                    (Tensors.bits (stepByStep model x))
                    "no rounding"
            }
    ]

/// Makes every head ignore content: its interpolation gate is closed, whatever the controller says.
let private closeGates (options: NtmOptions) (model: MemoryModel) : unit =
    use noGradient = torch.no_grad ()
    let bias = Tensors.parameter model "interface_bias"
    let perHead = options.Width + 1 + 1 + options.ShiftWidth + 1
    let gates heads start = start + heads * (options.Width + 1), heads

    for start, count in [ gates options.ReadHeads 0; gates options.WriteHeads (options.ReadHeads * perHead) ] do
        bias.narrow(0L, int64 start, int64 count).fill_((-200.0).ToScalar()) |> ignore

let private slots =
    testList "slots" [
        test "a model that is given more slots equals one that was built with as many" {
            use scope = torch.NewDisposeScope()
            let few = build 1UL (NtmOptions(Controller = lstm 5 1, Slots = 5, Width = 3))
            let many = build 1UL (NtmOptions(Controller = lstm 5 1, Slots = 11, Width = 3))
            few.Slots <- 11
            let x = input 1UL 2 5

            Expect.equal
                (Tensors.bits (forward few x))
                (Tensors.bits (forward many x))
                "no parameter depends on them"
        }

        test "without content addressing, more slots than the heads can reach change nothing" {
            use scope = torch.NewDisposeScope()

            for _, options in models do
                let model = stirred options
                closeGates options model
                let x = input 1UL 2 4
                // Each way, 4 steps of at most (S - 1) / 2 slots: heads meet their own wake only with fewer slots.
                model.Slots <- 4 * (options.ShiftWidth - 1) + 1
                let reached = forward model x
                model.Slots <- 3 * model.Slots

                Expect.isLessThan
                    (Tensors.distance (forward model x) reached)
                    1e-6
                    "location addressing does not see them"
        }

        test "with content addressing, more slots do change the outputs" {
            use scope = torch.NewDisposeScope()
            let model = stirred (snd models.Head)
            let x = input 1UL 2 4
            let before = forward model x
            model.Slots <- 100

            Expect.isGreaterThan
                (Tensors.distance (forward model x) before)
                1e-6
                "a look at all slots sees every one"
        }

        test "fewer slots than a head can shift over are refused" {
            let model = build 1UL (NtmOptions(Controller = lstm 5 1, Slots = 5, Width = 3, ShiftWidth = 5))

            Faults.says<ConfigurationException> [ "model.slots"; "4"; "5 or more" ] (fun () ->
                model.Slots <- 4)
        }
    ]

/// The memory before the first step, `[1, slots, width]`.
let private firstMemory (model: MemoryModel) (width: int) : torch.Tensor =
    (model.InitialState 1L).Tensors
    |> Seq.find (fun part -> part.shape = [| 1L; int64 model.Slots; int64 width |])

/// A small model whose memory starts with a spread.
let private spreading (spread: float) =
    NtmOptions(Controller = lstm 5 1, Slots = 7, Width = 3, InitialMemory = 0.25f, InitialSpread = spread)

let private firstMemories =
    testList "the first memory" [
        test "without a spread has the same value in every cell" {
            use scope = torch.NewDisposeScope()
            let memory = firstMemory (build 1UL (spreading 0.0)) 3
            Expect.all (Tensors.values memory) ((=) 0.25) "the initial memory"
        }

        test "with a spread starts a slot the same however many there are, and whatever the seed" {
            use scope = torch.NewDisposeScope()
            let model = build 1UL (spreading 0.5)
            let few = firstMemory model 3
            model.Slots <- 20
            let many = firstMemory model 3
            Expect.equal (Tensors.bits (many.narrow (1L, 0L, 7L))) (Tensors.bits few) "the first slots"
            let other = firstMemory (build 2UL (spreading 0.5)) 3
            Expect.equal (Tensors.bits other) (Tensors.bits few) "not trained, not drawn"
            let slots = (Tensors.values3 many)[0]
            Expect.equal (Array.distinct slots).Length 20 "each has a name of its own"
        }

        test "with a spread has its mean and standard deviation" {
            use scope = torch.NewDisposeScope()
            let model = build 1UL (spreading 0.5)
            model.Slots <- 4000
            let cells = Tensors.values (firstMemory model 3)
            let mean = Array.average cells
            let deviation = sqrt (cells |> Array.averageBy (fun cell -> (cell - mean) ** 2.0))
            // Five standard errors of 12 000 normal numbers.
            Expect.isLessThan (abs (mean - 0.25)) (5.0 * 0.5 / sqrt 12_000.0) "mean"
            Expect.isLessThan (abs (deviation - 0.5)) (5.0 * 0.5 / sqrt 24_000.0) "standard deviation"
        }

        test "with a spread does not change how parameters start, but what is read" {
            use scope = torch.NewDisposeScope()
            let plain, spread = build 1UL (spreading 0.0), build 1UL (spreading 0.5)
            let bits (model: MemoryModel) = [ for parameter in model.parameters () -> Tensors.bits parameter ]
            Expect.equal (bits spread) (bits plain) "the same draws"
            let x = input 1UL 2 4
            let difference = Tensors.distance (forward plain x) (forward spread x)
            Expect.isGreaterThan difference 1e-6 "other numbers in memory"
        }

        test "with a spread is the fused engine's too: values and every gradient, for more slots too" {
            for seed in 1UL .. 4UL do
                use scope = torch.NewDisposeScope()
                let drawn = MemoryKernelCase.drawNtm seed
                let case = { drawn with MemoryKernelCase.Options = spreading 0.5 }
                use model = MemoryKernelCase.build case seed

                for slots in [ 7; 12 ] do
                    model.StopFusing()
                    model.Slots <- slots
                    let reference = MemoryKernelCase.compute model case seed
                    model.Slots <- 7
                    model.Fuse case.Kernel
                    model.Slots <- slots

                    for (name, expected), (_, got) in
                        List.zip reference (MemoryKernelCase.compute model case seed) do
                        Expect.isLessThan (MemoryKernelCase.disagreement got expected) 1e-4 name
        }
    ]

let private sizes =
    testList "sizes" [
        test "the paper's copy model has the parameters of its equations" {
            let task = Tasks.CopyTask()
            let model = NtmOptions().Build(task.InputWidth(), task.OutputWidth(), RandomStream(1UL, "model"))
            let inputs, units, width, outputs = 8 + 1, 100, 20, 8

            let lstm =
                4 * units * (inputs + width) // input weights: the input and one read vector
                + 4 * units * units // hidden weights
                + 4 * units // biases
                + 2 * units // initial hidden and cell

            let head = width + 1 + 1 + 3 + 1 // key, key strength, gate, shifts, sharpening
            let heads = head + (head + 2 * width) // one read head; one write head with erase and add
            let projections = heads * units + heads + outputs * (units + width) + outputs
            let initialRead = width
            Expect.equal model.ParameterCount (int64 (lstm + projections + initialRead)) "the sum of all"
            Expect.equal model.ParameterCount 62_480L "and its value"
        }

        test "no parameter depends on the number of slots" {
            let count slots = (build 1UL (NtmOptions(Slots = slots))).ParameterCount
            Expect.equal (count 16) (count 128) "that is what lets a trained model have more"
        }

        test "a signal passes as many layers however long it waits" {
            let model = build 1UL (snd models.Head)

            Expect.equal
                [ for lag in [ 1L; 10L; 1000L ] -> model.PathLength lag ]
                [ 4L; 4L; 4L ]
                "the memory's promise"
        }
    ]

let tests =
    testList "NtmModel" [
        everyModel
        slots
        firstMemories
        sizes
        ModelLaws.learns
            (NtmOptions(Controller = lstm 24 1, Slots = 8, Width = 6))
            20_000L
            (RmsPropOptions(LearningRate = 3e-3))
    ]

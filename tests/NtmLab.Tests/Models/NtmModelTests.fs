module NtmLab.Tests.Models.NtmModelTests

open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tests
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
        sizes
        ModelLaws.learns
            (NtmOptions(Controller = lstm 24 1, Slots = 8, Width = 6))
            20_000L
            (RmsPropOptions(LearningRate = 3e-3))
    ]

module NtmLab.Tests.Models.NtmModelTests

open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Samples
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

let private stirred (options: NtmOptions) : NtmModel =
    let model = build 1UL options
    stir 2UL model
    model

let private everyModel =
    testList "every model" [
        for name, options in models do
            testList name [
                test "gives the same numbers at once and step by step" {
                    use scope = torch.NewDisposeScope()
                    let model = stirred options
                    let x = input 1UL 3 6

                    Expect.equal
                        (Tensors.bits (forward model x))
                        (Tensors.bits (stepByStep model x))
                        "bit for bit"
                }

                test "gives a sequence the same outputs whatever its neighbours in the batch" {
                    use scope = torch.NewDisposeScope()
                    let model = stirred options
                    let x = input 2UL 4 5
                    let together = forward model x

                    for sequence in 0L .. 3L do
                        let alone = forward model (x.narrow (0L, sequence, 1L))
                        let difference = Tensors.distance alone (together.narrow (0L, sequence, 1L))
                        Expect.isLessThan difference 1e-5 $"sequence {sequence}, up to rounding"
                }

                test "gives outputs that no later input changes" {
                    use scope = torch.NewDisposeScope()
                    let model = stirred options
                    let x = input 3UL 2 6
                    let before = forward model x

                    for changed in 0L .. 5L do
                        let other = x.clone ()
                        other.narrow(1L, changed, 1L).add_((1.0).ToScalar()) |> ignore
                        let after = forward model other
                        let past (logits: torch.Tensor) = Tensors.bits (logits.narrow (1L, 0L, changed))
                        Expect.equal (past after) (past before) $"outputs before step {changed}"
                }

                test "gives outputs that an earlier input changes" {
                    use scope = torch.NewDisposeScope()
                    let model = stirred options
                    let x = input 4UL 1 6
                    let other = x.clone ()
                    other.narrow(1L, 0L, 1L).add_((1.0).ToScalar()) |> ignore
                    let last (logits: torch.Tensor) = logits.narrow (1L, 5L, 1L)
                    let difference = Tensors.distance (last (forward model x)) (last (forward model other))
                    Expect.isGreaterThan difference 1e-7 "the last output depends on the first input"
                }

                test "gives the same numbers after a move to double precision" {
                    use scope = torch.NewDisposeScope()
                    let model = stirred options
                    let x = input 5UL 2 4
                    let before = forward model x
                    model.``to`` torch.float64 |> ignore
                    let after = forward model (x.``to`` torch.float64)
                    Expect.isLessThan (Tensors.distance after before) 1e-4 "up to rounding"
                }

                test "carries as many values as it reports" {
                    let model = stirred options
                    let carried = model.InitialState(1L).Tensors |> Seq.sumBy _.numel()
                    Expect.equal carried model.StateSize "for one sequence"
                }

                test "carries state of the same shapes from step to step" {
                    let model = stirred options
                    let start = model.InitialState 2L
                    let struct (_, next) = model.Step((input 1UL 2 1).select(1L, 0L), start)
                    let shapes (state: ModelState) = [ for tensor in state.Tensors -> tensor.shape ]
                    Expect.equal (shapes next) (shapes start) "constant memory"
                }

                test "starts from the same bits for the same seed" {
                    let bits seed = [
                        for parameter in (build seed options).parameters() -> Tensors.bits parameter
                    ]

                    Expect.equal (bits 7UL) (bits 7UL) "nothing but the seed decides"
                }

                test "starts elsewhere for another seed" {
                    let weights seed =
                        Tensors.bits (Tensors.parameter (build seed options) "interface_weight")

                    Expect.notEqual (weights 7UL) (weights 8UL) "seeds differ"
                }
            ]
    ]

/// Makes every head ignore content: its interpolation gate is closed, whatever the controller says.
let private closeGates (options: NtmOptions) (model: NtmModel) : unit =
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

let private faults =
    testList "faults" [
        test "an input of another width is refused" {
            Faults.says<ShapeException> [ "model 'ntm'"; "[2, 3, 4]"; "[any, any, 3]" ] (fun () ->
                (build 1UL (snd models.Head)).Forward(torch.zeros (2L, 3L, 4L)) |> ignore)
        }

        test "an input without time steps is refused" {
            Faults.says<ShapeException> [ "model 'ntm'"; "no time steps"; "1 or more" ] (fun () ->
                (build 1UL (snd models.Head)).Forward(torch.zeros (2L, 0L, 3L)) |> ignore)
        }

        test "an input without a batch is refused" {
            Faults.says<ShapeException> [ "model 'ntm'"; "[5, 3]" ] (fun () ->
                (build 1UL (snd models.Head)).Forward(torch.zeros (5L, 3L)) |> ignore)
        }

        test "a step's input of another width is refused" {
            let model = build 1UL (snd models.Head)

            Faults.says<ShapeException> [ "model 'ntm'"; "[2, 4]"; "[any, 3]" ] (fun () ->
                model.Step(torch.zeros (2L, 4L), model.InitialState 2L) |> ignore)
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

        test "every parameter is trained" {
            for _, options in models do
                use scope = torch.NewDisposeScope()
                let model = stirred options
                (GradientCheck.scalar (model.Forward((input 1UL 2 3)).to_type torch.float64)).backward()

                for name, parameter in GradientCheck.parameters model do
                    let gradient = Tensors.gradient parameter
                    Expect.isGreaterThan (gradient.abs().sum().to_type(torch.float64).ToDouble()) 0.0 name
        }
    ]

let tests = testList "NtmModel" [ everyModel; slots; faults; sizes ]

module NtmLab.Tests.Models.KeepingModelTests

open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Tests.Samples
open NtmLab.Tests.Training
open NtmLab.Training
open TorchSharp

let private models: (string * ModelOptions) list = [
    "fifo", FifoOptions(Controller = lstm 5 1, Slots = 3, Width = 3)
    "fifo, two heads", FifoOptions(Controller = feedForward 5, Slots = 4, Width = 2, ReadHeads = 2)
    "keep-all", KeepAllOptions(Controller = feedForward 5, Width = 3)
    // More slots than steps of the check of gradients: what is sampled depends on every bit of the inputs.
    "reservoir", ReservoirOptions(Controller = lstm 4 1, Slots = 5, Width = 3)
    "keep-novel", KeepNovelOptions(Controller = feedForward 5, Slots = 4, Width = 3, Threshold = 0.5)
    "keep-novel, skipping",
    KeepNovelOptions(Controller = lstm 4 1, Slots = 4, Width = 3, Threshold = 0.5, Repeats = Repeats.Skip)
    "surprise", SurpriseOptions(Controller = lstm 4 1, Slots = 4, Width = 3)
    "learned-gate", LearnedGateOptions(Controller = lstm 4 1, Slots = 4, Width = 3)
    "budgeted", BudgetedOptions(Controller = lstm 4 1, Slots = 4, Width = 3, Budget = 3)
]

let private build (options: ModelOptions) : MemoryModel =
    let model = options.Build(inputWidth, outputWidth, RandomStream(1UL, "model")) :?> MemoryModel
    stir 2UL model
    model

let private price =
    testList "price" [
        let ntm: ModelOptions = NtmOptions(Controller = lstm 4 1, Slots = 5, Width = 3)

        for name, options in models @ [ "an NTM", ntm ] do
            test $"{name} gives the same logits with its price, and the price that its state tells" {
                use scope = torch.NewDisposeScope()
                use model = build options
                let x = input 3UL 4 6
                let struct (logits, price) = model.ForwardWithPrice x
                Expect.equal (Tensors.bits logits) (Tensors.bits (model.Forward x)) "to the bit"
                let struct (_, last) = model.Run(x, model.InitialState 4L)

                match (MemoryModel.Contents last).Policy.Price with
                | null -> Expect.isNull price "none"
                | told ->
                    let price = nonNull price
                    Expect.equal price.shape [| 4L |] "one a sequence"
                    Expect.equal (Tensors.bits price) (Tensors.bits told) "what was paid in all steps"
                    price.sum().backward()

                    Expect.isGreaterThan
                        ((Tensors.gradient (Tensors.parameter model "interface_bias")).abs().sum().ToDouble())
                        0.0
                        "training can lessen it"
            }

        test "a model of tokens passes on the price of the model inside" {
            use scope = torch.NewDisposeScope()
            let task = CopyMemoryTask(Alphabet = 5, Symbols = 2, MinLag = 1, MaxLag = 3)
            let options = LearnedGateOptions(Controller = lstm 4 1, Slots = 4, Width = 3, Price = 0.5)
            use model = options.Build(task, RandomStream(1UL, "model"))
            use batch = task.Generate(RandomStream(1UL, "batch"), 3, 2)
            let struct (logits, price) = model.ForwardWithPrice batch.Input
            Expect.equal (Tensors.bits logits) (Tensors.bits (model.Forward batch.Input)) "the same logits"
            Expect.all (Tensors.values (nonNull price)) (fun paid -> paid > 0.0) "and a price"
        }

        for price, closes, left in [ 0.0, false, "open"; 10.0, true, "shut" ] do
            test $"training at a price of {price} leaves the gate {left}" {
                use scope = torch.NewDisposeScope()

                let options =
                    LearnedGateOptions(
                        Controller = lstm 6 1,
                        Slots = 8,
                        Width = 4,
                        Price = price,
                        Threshold = 0.5
                    )

                let training =
                    TrainingOptions(
                        Sequences = 320L,
                        Batch = 4,
                        Optimiser = RmsPropOptions(LearningRate = 1e-2),
                        EvaluateEvery = 320L,
                        CheckpointEvery = 320L
                    )

                let model = TrainingSetup.buildModel options 1UL :?> MemoryModel

                use trainer =
                    new Trainer(
                        model,
                        TrainingSetup.task,
                        training,
                        TrainingSetup.evaluation,
                        1UL,
                        TrainingSetup.StoppedClock()
                    )

                TrainingSetup.train trainer |> ignore
                use batch = TrainingSetup.task.Generate(RandomStream(9UL, "batch"), 4, 3)
                let struct (_, last) = model.Run(batch.Input, model.InitialState 4L)
                let used = Tensors.values (nonNull (MemoryModel.Contents last).Policy.SlotsUsed)
                Expect.all used (fun slots -> (slots = 0.0) = closes) $"slots used: %A{used}"
            }
    ]

let private growth =
    testList "growth" [
        test "a sequence longer than the slots of keep-all is refused with both" {
            use scope = torch.NewDisposeScope()
            use model = build (KeepAllOptions(Controller = lstm 4 1, Slots = 3, Width = 2))
            model.Forward(input 1UL 2 3) |> ignore

            Faults.says<ConfigurationException>
                [ "model.slots: 3 is not enough"; "policy 'keep-all'"; "slot 4" ]
                (fun () -> model.Forward(input 1UL 2 4) |> ignore)
        }

        test "the state that is reported is the one before the first step" {
            use model = build (KeepAllOptions(Controller = feedForward 4, Slots = 3, Width = 2))
            Expect.isTrue model.StateGrows "it grows"
            Expect.equal model.StateSize (2L + 1L) "the first read and a counter"
        }

        test "a sequence costs a slot more in each step, up to the slots that there may be" {
            for slots in [ 3; 1000 ] do
                use model =
                    build (
                        SurpriseOptions(Controller = feedForward 4, Slots = slots, Width = 2, ReadHeads = 2)
                    )

                let empty = model.MultiplyAddsPerStep
                // Of each slot: two similarities and its norm, two softmaxes of four, two reads, one write of two.
                let slot = 2 * (2 + 1) + 4 * 2 + 2 * (2 + 2)

                for steps in [ 0; 1; 3; 4; 20 ] do
                    let sum = Seq.sum (seq { for t in 1..steps -> empty + int64 (min t slots * slot) })
                    Expect.equal (model.MultiplyAdds steps) sum $"{steps} steps, {slots} slots"
        }

        test "a model of fixed slots says that it does not grow" {
            use model = build (FifoOptions(Controller = feedForward 4, Slots = 3, Width = 2))
            Expect.isFalse model.StateGrows "it does not"
        }
    ]

let tests =
    testList "KeepingModel" [
        for name, options in models do
            ModelLaws.tests name options

        price
        growth
    ]

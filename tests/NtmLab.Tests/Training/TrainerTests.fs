module NtmLab.Tests.Training.TrainerTests

open System
open System.Threading
open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Tests.Training.TrainingSetup
open NtmLab.Training
open TorchSharp

let private schedule =
    testList "schedule" [
        test "trains its budget in whole batches" {
            use trainer = trainer options 1UL
            let recorder = train trainer
            Expect.equal (recorder.At "trained") [ 4L; 8L; 12L; 16L; 20L; 24L ] "six batches of four"
            Expect.isTrue trainer.Finished "and is finished"
        }

        test "never trains more sequences than its budget" {
            use trainer = trainer (TrainingOptions(Sequences = 10L, Batch = 4)) 1UL
            train trainer |> ignore
            Expect.isLessThanOrEqual trainer.State.Sequences 10L "after this many sequences at the latest"
        }

        test "evaluates and asks for checkpoints at its own intervals" {
            use trainer = trainer options 1UL
            let recorder = train trainer
            Expect.equal (recorder.At "evaluated") [ 8L; 16L; 24L ] "every 8 sequences"
            Expect.equal (recorder.At "checkpoint") [ 12L; 24L ] "every 12 sequences"
        }

        test "evaluates at the first batch past an interval that no batch ends on" {
            let options =
                TrainingOptions(Sequences = 24L, Batch = 4, EvaluateEvery = 10L, CheckpointEvery = 100L)

            use trainer = trainer options 1UL
            Expect.equal ((train trainer).At "evaluated") [ 12L; 20L ] "past 10 and 20"
        }

        test "stops after the batch under way when asked to" {
            use trainer = trainer options 1UL
            trainBatches 2 trainer |> ignore
            Expect.equal trainer.State.Batches 2L "two batches"
            Expect.isFalse trainer.Finished "there is more to do"
        }

        test "finishes the evaluation that falls on the last batch when asked to stop" {
            use trainer = trainer options 1UL
            Expect.equal ((trainBatches 2 trainer).At "evaluated") [ 8L ] "so that resuming need not"
        }

        test "does nothing when it is finished" {
            use trainer = trainer options 1UL
            train trainer |> ignore
            let before = snapshot trainer
            Expect.isEmpty (train trainer).Events "no events"
            Expect.equal (snapshot trainer) before "no change"
        }
    ]

/// Any score counts as solved once the window is full.
let private solvedAtOnce (continue': int64) =
    TrainingOptions(
        Sequences = 400L,
        Batch = 4,
        Solved = SolvedOptions(Score = 1e9, Window = 10, Continue = continue')
    )

let private solved =
    testList "solved" [
        test "stops when solved" {
            use trainer = trainer (solvedAtOnce 0L) 1UL
            train trainer |> ignore
            Expect.equal trainer.State.Sequences 12L "the first batch that fills the window of 10"
        }

        test "remembers when it was solved" {
            use trainer = trainer (solvedAtOnce 8L) 1UL
            train trainer |> ignore
            Expect.equal (Option.ofNullable trainer.State.SolvedAtSequences) (Some 12L) "not when it stopped"
        }

        test "goes on for as long as it should after it was solved" {
            use trainer = trainer (solvedAtOnce 7L) 1UL
            train trainer |> ignore
            Expect.equal trainer.State.Sequences 20L "the first batch at 12 + 7 or later"
        }

        test "is not solved before the window is full" {
            use trainer = trainer (solvedAtOnce 0L) 1UL
            trainBatches 2 trainer |> ignore
            Expect.isFalse trainer.State.SolvedAtSequences.HasValue "8 of 10 scores"
        }

        test "is not solved above the score" {
            use trainer = trainer options 1UL
            train trainer |> ignore
            Expect.isFalse trainer.State.SolvedAtSequences.HasValue "no score is below 0"
        }

        test "averages the score over the window and no longer" {
            use trainer = trainer options 1UL
            train trainer |> ignore
            Expect.equal trainer.State.Window.Count 10 "24 sequences, a window of 10"
        }
    ]

/// Bits, with a loss whose gradient is not a number in some batches, counted from 1, though its value is.
type private Exploding(batches: Set<int>) =
    inherit TaskOutput()
    let bits = BinaryOutput()
    let mutable count = 0

    override _.Loss(logits, batch) =
        count <- count + 1
        let loss = bits.Loss(logits, batch)

        if batches.Contains count then
            loss + (logits - logits).square().sum().sqrt()
        else
            loss

    override _.Answers logits = bits.Answers logits
    override _.Wanted batch = bits.Wanted batch

/// A training of the sample model whose gradient explodes in some batches.
let private explodingAt (batches: Set<int>) (options: TrainingOptions) : Trainer =
    let output = Exploding batches

    let rule = {
        new TaskRule() with
            member _.InputWidth = 2
            member _.OutputWidth = 1
            member _.Output = output
            member _.Steps length = length
            member _.Baseline length = TaskReference(float length, float length / 2.0)

            member _.Fill(random, canvas, sequence, length) =
                for step in 0 .. length - 1 do
                    random.FillBits(canvas.Input(sequence, step))
                    canvas.Input(sequence, step).Slice(0, 1).CopyTo(canvas.Want(sequence, step))
    }

    let task = ScriptTask(Rule = rule, MaxLength = 3)
    let model = modelOptions.Build(task, RandomStream(1UL, "model"))
    new Trainer(model, task, options, evaluation, 1UL, StoppedClock())

let private divergence =
    testList "divergence" [
        test "a loss that is no number stops the training with advice" {
            use trainer = trainer options 1UL
            trainBatches 2 trainer |> ignore
            use noGradient = torch.no_grad ()
            (Tensors.parameter trainer.Model "output_bias").fill_(nan.ToScalar()) |> ignore
            use gradient = torch.enable_grad true
            Faults.says<DivergenceException> [ "batch 3"; "learningRate" ] (fun () -> train trainer |> ignore)
        }

        test "a gradient that is not finite moves nothing, and the training goes on" {
            use trainer = explodingAt (set [ 3 ]) (TrainingOptions(Sequences = 400L, Batch = 4))
            trainBatches 2 trainer |> ignore
            let before = (snapshot trainer).Parameters
            trainBatches 1 trainer |> ignore
            Expect.equal (snapshot trainer).Parameters before "that batch"
            Expect.equal trainer.State.Skipped 1L "is counted"
            Expect.equal trainer.State.Batches 3L "as a batch that was trained"
            trainBatches 1 trainer |> ignore
            Expect.notEqual (snapshot trainer).Parameters before "the next one"
            Expect.equal trainer.State.SkippedInARow 0 "ends the row"
        }

        test "gradients that are not finite too often in a row are a divergence" {
            use trainer =
                explodingAt (set [ 2; 4; 5; 6 ]) (TrainingOptions(Sequences = 400L, Batch = 4, Skips = 2))

            Faults.says<DivergenceException> [ "gradient of"; "learningRate" ] (fun () ->
                train trainer |> ignore)

            Expect.equal trainer.State.Batches 5L "the third in a row was one too many"
            Expect.equal trainer.State.Skipped 3L "others were passed over"
        }

        test "a loss that is no number leaves parameters, optimiser and state" {
            use trainer = trainer options 1UL
            trainBatches 2 trainer |> ignore

            do
                use noGradient = torch.no_grad ()
                (Tensors.parameter trainer.Model "output_bias").fill_(nan.ToScalar()) |> ignore

            let before = snapshot trainer

            Faults.sentence<DivergenceException>(fun () -> train trainer |> ignore)
            |> ignore

            Expect.equal (snapshot trainer) before "as before that batch"
        }
    ]

let private sameness =
    testList "sameness" [
        test "the same seed gives the same bits" {
            let run () =
                use trainer = trainer options 3UL
                let recorder = train trainer
                recorder.Events, snapshot trainer

            Expect.equal (run ()) (run ()) "metrics, parameters, optimiser and state"
        }

        test "another seed gives another training" {
            let events seed =
                use trainer = trainer options seed
                (train trainer).Events

            Expect.notEqual (events 3UL) (events 4UL) "losses differ"
        }

        test "the training does not depend on how often it is evaluated" {
            let parameters every =
                let options =
                    TrainingOptions(
                        Sequences = 24L,
                        Batch = 4,
                        EvaluateEvery = every,
                        CheckpointEvery = every
                    )

                use trainer = trainer options 3UL
                train trainer |> ignore
                (snapshot trainer).Parameters

            Expect.equal (parameters 4L) (parameters 100L) "observing changes nothing"
        }

        test "the loss falls" {
            let options =
                TrainingOptions(Sequences = 1200L, Batch = 8, Optimiser = RmsPropOptions(LearningRate = 3e-3))

            use trainer = trainer options 1UL
            train trainer |> ignore
            // Guessing leaves half of 3 bits of on average 2 vectors wrong.
            Expect.isLessThan (Seq.average trainer.State.Window) 2.5f "wrong bits over the last 500 sequences"
        }
    ]

let private groups =
    test "a batch of more steps than are computed at once moves the parameters as one that is computed whole" {
        let long = CopyTask(Bits = 1, MinLength = 30_000, MaxLength = 30_000)

        let options = TrainingOptions(Sequences = 3L, Batch = 3, Optimiser = AdamOptions(LearningRate = 0.1))

        let build () =
            SsmOptions(Width = 2, States = 1, Layers = 1)
                .Build(long.InputWidth(), long.OutputWidth(), RandomStream(1UL, "model"))

        use trainer = new Trainer(build (), long, options, evaluation, 1UL, StoppedClock())
        let recorder = trainBatches 1 trainer
        use source = new BatchSource(long, options, 1UL)
        use batch = source.Take(0L, 0L, options.Curriculum.Start(long.Lengths()))
        use whole = build ()
        Expect.isLessThan whole.StepsAtOnce (batch.Mask.numel ()) "more steps than are computed at once"

        use optimiser =
            options.Optimiser.Build(
                [ for struct (name, value) in whole.named_parameters () -> struct (name, value) ],
                options.Clip,
                options.ClipNorm
            )

        let loss = long.Loss(whole.Forward batch.Input, batch)
        loss.backward ()
        optimiser.Step 1.0

        for struct (name, expected) in whole.named_parameters () do
            let actual = Tensors.parameter trainer.Model name
            Expect.isLessThan (Tensors.distance actual expected) 1e-4 (string name)

        Expect.stringContains recorder.Events.Head "trained 3" "all sequences"
    }

/// One batch of a model that pays for each save, after a number of sequences: what was reported, and its parameters to the bit.
let private oneBatch (price: float) (warmUp: int64) (sequences: int64) =
    let gate = LearnedGateOptions(Controller = Samples.lstm 6 1, Slots = 5, Width = 4, Price = price)
    let options = TrainingOptions(Sequences = 400L, Batch = 4, PriceWarmUp = warmUp)

    use trainer = new Trainer(buildModel gate 1UL, task, options, evaluation, 1UL, StoppedClock())
    trainer.State <- TrainerState(Sequences = sequences)
    let recorder = trainBatches 1 trainer
    recorder.Events, (snapshot trainer).Parameters

let private price =
    testList "price" [
        test "a price moves the parameters, and is no part of the loss that is reported" {
            let free, unpriced = oneBatch 0.0 0L 0L
            let paid, priced = oneBatch 0.5 0L 0L
            Expect.equal paid free "the loss of the task alone"
            Expect.notEqual priced unpriced "training lessens the price"
        }

        test "a price counts for nothing in the first batch of its warm up" {
            for warmUp in [ 1L; 16L; 1_000_000L ] do
                Expect.equal (oneBatch 0.5 warmUp 0L) (oneBatch 0.0 0L 0L) $"a warm up of {warmUp} sequences"
        }

        // Powers of two, with which nothing is rounded.
        for sequences in [ 1L; 2L; 4L; 8L ] do
            test $"after {sequences} of 16 sequences of its warm up a price counts {sequences}/16" {
                let share = float sequences / 16.0
                let _, warm = oneBatch 0.5 16L sequences
                Expect.equal warm (snd (oneBatch (0.5 * share) 0L sequences)) "as a price of that part does"
                Expect.notEqual warm (snd (oneBatch 0.5 0L sequences)) "and not as the whole"
                Expect.notEqual warm (snd (oneBatch 0.0 0L sequences)) "nor as none"
            }

        test "a price counts in full from the end of its warm up on" {
            for sequences in [ 16L; 20L; 200L ] do
                Expect.equal
                    (oneBatch 0.5 16L sequences)
                    (oneBatch 0.5 0L sequences)
                    $"after {sequences} sequences"
        }
    ]

let tests = testList "Trainer" [ schedule; solved; price; divergence; sameness; groups ]

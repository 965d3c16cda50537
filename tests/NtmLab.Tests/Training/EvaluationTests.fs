module NtmLab.Tests.Training.EvaluationTests

open System
open System.Collections.Generic
open System.Threading
open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Tests.Training.TrainingSetup
open NtmLab.Training
open TorchSharp

let private evaluate (lengths: int list) (sequences: int) (seed: uint64) : LengthScore list =
    use model = buildModel modelOptions 1UL

    Evaluation.ByLength(model, task, List.toArray lengths, sequences, seed)
    |> List.ofSeq

/// A task of random numbers, and all sequences that were drawn of it, in order.
let private remembered () : SequenceTask * List<float32[]> =
    let drawn = List<float32[]>()

    let rule = {
        new TaskRule() with
            member _.InputWidth = 2
            member _.OutputWidth = 1
            member _.Steps length = length
            member _.Baseline length = TaskReference(float length, float length / 2.0)

            member _.Fill(random, canvas, sequence, length) =
                for i in 0 .. 2 * length - 1 do
                    canvas.Inputs(sequence)[i] <- float32 (random.NextUniform(-1.0, 1.0))

                canvas.Want(sequence, length - 1)[0] <- 1.0f
                drawn.Add(canvas.Inputs(sequence).ToArray())
    }

    ScriptTask(Rule = rule, MaxLength = 9), drawn

/// How many slots of a model hold something after a sequence that is given alone.
let private heldAlone (model: SequenceModel) (sequence: float32[]) : float =
    use scope = torch.NewDisposeScope()
    use noGradient = torch.no_grad ()
    let input = torch.tensor(sequence).reshape(1L, -1L, 2L)
    let struct (_, last) = model.Run(input, model.InitialState 1L)
    let strength = ((MemoryModel.Contents last).Policy :?> NamedState)[NamedState.StrengthName]

    Tensors.values strength
    |> Array.filter (fun s -> s > 0.0)
    |> Array.length
    |> float

/// Slots used at each length, as an evaluation says.
let private slotsUsed (model: SequenceModel) (task: SequenceTask) (lengths: int[]) (sequences: int) =
    Evaluation.ByLength(model, task, lengths, sequences, 1UL)
    |> Seq.map (fun score -> Option.ofNullable score.SlotsUsed)
    |> List.ofSeq

let private room =
    testList "slots per step" [
        test "a memory has room for the steps of each length, and is afterwards as it was" {
            use model = Samples.build 1UL (NtmOptions(Controller = Samples.lstm 3 1, Slots = 9, Width = 3))
            model.Fuse 1
            let evaluated = new EvaluatedModel(model, 0.5)
            Expect.isFalse model.training "in evaluation"

            for steps, slots in [ 10L, 9; 19L, 10; 41L, 21; 3L, 9 ] do
                evaluated.MakeRoom steps
                Expect.equal model.Slots slots $"{steps} steps"

            evaluated.Dispose()
            Expect.isTrue model.training "in training again"
            Expect.equal model.Slots 9 "as before"
        }

        test "an evaluation gives the memory its room, of every model of a memory" {
            let score (options: ModelOptions) (slotsPerStep: float) =
                use model = options.Build(task, RandomStream(1UL, "model"))
                Evaluation.ByLength(model, task, [| 8 |], 3, 1UL, slotsPerStep) |> ignore
                (MemoryModel.Of model |> nonNull).Slots

            let models: MemoryModelOptions list = [
                NtmOptions(Controller = Samples.lstm 3 1, Slots = 5, Width = 3)
                DncOptions(Controller = Samples.lstm 3 1, Slots = 5, Width = 3)
                LruaOptions(Controller = Samples.lstm 3 1, Slots = 5, Width = 3)
                SparseOptions(Controller = Samples.lstm 3 1, Slots = 5, Width = 3)
                KeepAllOptions(Controller = Samples.lstm 3 1, Slots = 99, Width = 3)
            ]

            for options in models do
                Expect.equal (score options 2.0) options.Slots "as it was"
        }
    ]

let private slots =
    testList "slots used" [
        let controller = Samples.lstm 4 1

        let models: (string * ModelOptions) list = [
            "keep-novel", KeepNovelOptions(Controller = controller, Slots = 9, Width = 3, Threshold = 0.8)
            "surprise", SurpriseOptions(Controller = controller, Slots = 9, Width = 3)
        ]

        for name, options in models do
            test $"{name}: the slots that hold something at the end, averaged over the sequences" {
                let task, drawn = remembered ()
                use model = options.Build(task, RandomStream(1UL, "model"))
                Samples.stir 2UL model
                // More sequences than are scored at once.
                let said = slotsUsed model task [| 3; 8 |] 60

                let held = Seq.map (heldAlone model) drawn |> Array.ofSeq |> Array.chunkBySize 60

                Expect.isGreaterThan (Array.distinct held[1]).Length 1 "sequences differ"
                Expect.equal said [ for each in held -> Some(Array.average each) ] "each length"
            }

        test "a ring has one slot for each step until it is full" {
            let task, _ = remembered ()
            let options = FifoOptions(Controller = controller, Slots = 4, Width = 3)
            use model = options.Build(task, RandomStream(1UL, "model"))
            Expect.equal (slotsUsed model task [| 1; 4; 7 |] 3) [ Some 1.0; Some 4.0; Some 4.0 ] "four slots"
        }

        test "a model of tokens tells of the memory inside" {
            let task = CopyMemoryTask(Alphabet = 5, Symbols = 2, MinLag = 1, MaxLag = 3)
            let options = KeepAllOptions(Controller = controller, Slots = 20, Width = 3)
            use model = options.Build(task, RandomStream(1UL, "model"))
            use batch = task.Generate(RandomStream(1UL, "batch"), 1, 3)
            Expect.equal (slotsUsed model task [| 3 |] 2) [ Some(float batch.Input.shape[1]) ] "one a step"
        }

        test "a model that does not tell its slots apart says nothing" {
            use model = buildModel modelOptions 1UL
            Expect.equal (slotsUsed model task [| 2 |] 3) [ None ] "an NTM"
        }
    ]

let tests =
    testList "Evaluation" [
        slots
        room
        test "gives one score a length, in the order asked for" {
            Expect.equal (evaluate [ 5; 1; 3 ] 4 1UL |> List.map _.Length) [ 5; 1; 3 ] "lengths"
        }

        test "is the same for the same seed" {
            Expect.equal
                (evaluate [ 2; 4 ] 120 3UL)
                (evaluate [ 2; 4 ] 120 3UL)
                "fresh sequences, but the same ones"
        }

        test "is on other sequences for another seed" {
            Expect.notEqual (evaluate [ 10 ] 20 3UL) (evaluate [ 10 ] 20 4UL) "scores differ"
        }

        test "scores a length the same whatever other lengths there are" {
            Expect.equal
                (evaluate [ 1; 2; 7 ] 5 1UL |> List.last)
                (evaluate [ 7 ] 5 1UL |> List.exactlyOne)
                "length 7"
        }

        test "averages over more sequences than go into one batch" {
            // An untrained model guesses: half of 3 x 4 bits are wrong.
            let score = (evaluate [ 4 ] 500 1UL).Head.Score
            Expect.isTrue (score > 5.0 && score < 7.0) $"{score} is near 6"
        }

        test "leaves no gradients" {
            use model = buildModel modelOptions 1UL
            Evaluation.ByLength(model, task, [| 2 |], 3, 1UL) |> ignore

            Expect.all
                (model.parameters ())
                (fun parameter -> isNull parameter.grad)
                "no backward pass is prepared"
        }

        test "stops when it is asked to" {
            use model = buildModel modelOptions 1UL
            use source = new CancellationTokenSource()
            source.Cancel()

            Expect.throwsT<OperationCanceledException>
                (fun () ->
                    Evaluation.ByLength(model, task, [| 2 |], 3, 1UL, cancellation = source.Token)
                    |> ignore)
                "between two batches"
        }
    ]

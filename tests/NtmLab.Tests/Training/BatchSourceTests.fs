module NtmLab.Tests.Training.BatchSourceTests

open System
open System.Collections.Generic
open System.Threading
open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Tests.LiveTensors
open NtmLab.Tests.Tasks.Curricula.Draws
open NtmLab.Tests.Training.TrainingSetup
open NtmLab.Training
open TorchSharp

/// A batch as plain values: its length and each sequence's inputs and targets by step, with what counts.
type Drawn = { Length: int; Input: float[][][]; Target: float[][][]; Mask: float[][] }

let private plain (batch: SequenceBatch) : Drawn = {
    Length = batch.Length
    Input = Tensors.values3 batch.Input
    Target = Tensors.values3 batch.Target
    Mask = Tensors.values3 (batch.Mask.unsqueeze 0L) |> Array.head
}

/// A batch that was trained on: what it held, its losses before and after the step, and its scores.
type Used = { Batch: Drawn; Losses: float list; Scores: float list }

/// Copy that keeps the batches that were trained on; may act before a batch is drawn and before a loss is taken.
type RecordingTask(beforeDrawing: BatchRequest -> unit, beforeLoss: unit -> unit) =
    inherit SequenceTask()
    let copy = CopyTask(Bits = 3, MinLength = 1, MaxLength = 3)
    let used = List<Used>()
    new() = RecordingTask(ignore, ignore)
    member _.Used: Used list = List.ofSeq used
    override task.``<Clone>$``() : SequenceTask = task
    override _.InputWidth() : int = copy.InputWidth()
    override _.OutputWidth() : int = copy.OutputWidth()
    override _.Output() : TaskOutput = copy.Output()
    override _.ScoreName() : string = copy.ScoreName()
    override _.Lengths() : LengthRange = copy.Lengths()
    override _.Baseline(length: int) : TaskReference = copy.Baseline length
    override _.Validate() : unit = copy.Validate()

    override _.Generate(random: RandomStream, batch: int, length: int) : SequenceBatch =
        copy.Generate(random, batch, length)

    override _.Generate(request: BatchRequest) : SequenceBatch =
        beforeDrawing request
        base.Generate request

    override _.Loss(logits: torch.Tensor, batch: SequenceBatch) : torch.Tensor =
        beforeLoss ()
        let loss = base.Loss(logits, batch)
        let value = float (loss.item<float32>())

        // A second loss of the batch is the one after the step.
        if
            used.Count > 0
            && used[used.Count - 1].Losses.Length = 1
            && not (torch.is_grad_enabled ())
        then
            let last = used[used.Count - 1]
            used[used.Count - 1] <- { last with Losses = last.Losses @ [ value ] }
        else
            used.Add { Batch = plain batch; Losses = [ value ]; Scores = [] }

        loss

    override _.Score(logits: torch.Tensor, batch: SequenceBatch) : float32[] =
        let scores = copy.Score(logits, batch)
        let last = used[used.Count - 1]

        used[used.Count - 1] <- { last with Scores = [ for score in scores -> float score ] }

        scores

/// Six batches: five of four sequences and one of two, without evaluations, which would be recorded too.
let private optionsOf (curriculum: Curriculum) (lengths: LengthsOfBatch) : TrainingOptions =
    TrainingOptions(
        Sequences = 22L,
        Batch = 4,
        Curriculum = curriculum,
        Lengths = lengths,
        Optimiser = RmsPropOptions(LearningRate = 1e-2),
        Solved = SolvedOptions(Score = -1.0, Window = 10)
    )

let private trainerOf (task: RecordingTask) (options: TrainingOptions) (seed: uint64) : Trainer =
    let model = modelOptions.Build(task.InputWidth(), task.OutputWidth(), RandomStream(seed, "model"))
    new Trainer(model, task, options, evaluation, seed, StoppedClock())

/// Rows of zeros up to a number of them.
let private padded (count: int) (rows: float[][]) : float[][] =
    Array.append rows (Array.init (count - rows.Length) (fun _ -> Array.zeroCreate rows[0].Length))

/// Batches one below the other, with blank steps after the shorter ones.
let private stacked (batches: Drawn list) : Drawn =
    let time = batches |> List.map (fun batch -> batch.Input[0].Length) |> List.max

    let all (part: Drawn -> float[][][]) = batches |> List.map part |> Array.concat |> Array.map (padded time)

    {
        Length = batches |> List.averageBy (fun batch -> float batch.Length) |> Math.Round |> int
        Input = all _.Input
        Target = all _.Target
        Mask =
            batches
            |> List.map _.Mask
            |> Array.concat
            |> Array.map (fun row -> Array.append row (Array.zeroCreate (time - row.Length)))
    }

/// The batches of a training by their definition, one after the other: batch k of a seed has its own stream, from which
/// first lengths and then sequences are drawn. What the curriculum learns is taken from what was recorded.
let private regenerate (options: TrainingOptions) (seed: uint64) (used: Used list) : Drawn list =
    let range = task.Lengths()

    let next (state: CurriculumState, first: int) (index: int, outcome: Used) =
        let random = RandomStream(seed, "train", uint64 index)
        let count = min options.Batch (int options.Sequences - first)
        let progress = float first / float options.Sequences
        let draw () = options.Curriculum.Draw(range, state, progress, random)

        let generate (count: int) (length: int) =
            use batch = task.Generate(random, count, length)
            plain batch

        let batch =
            match options.Lengths with
            | LengthsOfBatch.Each -> List.init count (fun _ -> draw ()) |> List.map (generate 1) |> stacked
            | _ -> draw () |> generate count

        let after = outcome.Losses |> List.tryItem 1 |> Option.defaultValue nan

        let learned =
            BatchOutcome(batch.Length, outcome.Losses.Head, after, List.average outcome.Scores, count)

        batch, (options.Curriculum.Observe(range, state, learned), first + count)

    List.indexed used
    |> List.mapFold next (options.Curriculum.Start range, 0)
    |> fst

let private sameness =
    testList "sameness" [
        for name, curriculum in curricula do
            for lengths in [ LengthsOfBatch.One; LengthsOfBatch.Each ] do
                if lengths = LengthsOfBatch.One || not curriculum.NeedsOneLength then
                    test
                        $"a training of kind {name}, lengths {lengths}, uses the batches that are drawn one after the other" {
                        for seed in [ 1UL; 2UL; 3UL ] do
                            let task = RecordingTask()
                            let options = optionsOf curriculum lengths
                            use trainer = trainerOf task options seed
                            train trainer |> ignore
                            Expect.equal task.Used.Length 6 "six batches"

                            Expect.equal
                                [ for used in task.Used -> used.Batch ]
                                (regenerate options seed task.Used)
                                "drawing ahead changes nothing"
                    }

        test "curricula that learn come to other lengths than they began with" {
            for name, curriculum in learning do
                let task = RecordingTask()
                use trainer = trainerOf task (optionsOf curriculum LengthsOfBatch.One) 1UL
                train trainer |> ignore
                Expect.notEqual trainer.State.Curriculum (curriculum.Start(LengthRange(1, 3))) name
        }
    ]

/// Waits for something that another thread does.
let private await (event: ManualResetEventSlim) : unit =
    Expect.isTrue (event.Wait 20_000) "within twenty seconds"

/// A task whose third batch cannot be drawn; the second is not trained on before another thread has tried.
let private failing () : RecordingTask =
    let tried = new ManualResetEventSlim()
    let mutable losses = 0

    let beforeDrawing (request: BatchRequest) =
        if request.First = 8L then
            use _ = torch.ones (3L)
            tried.Set()
            raise (NotSupportedException "no more sequences")

    let beforeLoss () =
        losses <- losses + 1

        if losses = 2 then
            await tried

    RecordingTask(beforeDrawing, beforeLoss)

let private faults =
    testList "faults" [
        for lengths in [ LengthsOfBatch.One; LengthsOfBatch.Each ] do
            test $"what another thread throws is thrown when the batch is wanted, lengths {lengths}" {
                use trainer = trainerOf (failing ()) (optionsOf (UniformCurriculum()) lengths) 1UL

                Expect.throwsC (fun () -> train trainer |> ignore) (fun fault ->
                    Expect.equal (fault.GetType()) typeof<NotSupportedException> "the exception itself"
                    Expect.equal fault.Message "no more sequences" "with its own message")

                Expect.equal trainer.State.Batches 2L "the batches before it were trained on"
            }

        test "what another thread throws is not thrown when the training stops before" {
            use trainer = trainerOf (failing ()) (optionsOf (UniformCurriculum()) LengthsOfBatch.One) 1UL
            trainBatches 2 trainer |> ignore
            Expect.equal trainer.State.Batches 2L "two batches"
        }
    ]

// No other test runs meanwhile: the count is of the whole process.
let private tensors =
    testSequenced
    <| testList "tensors" [
        let lengths = LengthsOfBatch.One

        for name, options in
            ("each its own length", optionsOf (UniformCurriculum()) LengthsOfBatch.Each)
            :: [ for name, curriculum in curricula -> name, optionsOf curriculum lengths ] do
            test $"a training that is stopped leaves none: {name}" {
                use trainer = trainerOf (RecordingTask()) options 1UL
                // The first batch makes the gradients, which stay.
                trainBatches 1 trainer |> ignore

                for count in [ 0; 1; 3 ] do
                    Expect.equal
                        (left (fun () -> trainBatches count trainer |> ignore))
                        0L
                        "as many as before"
            }

        test "a training whose batch cannot be drawn leaves none" {
            use trainer = trainerOf (failing ()) (optionsOf (UniformCurriculum()) lengths) 1UL
            trainBatches 1 trainer |> ignore

            Expect.equal
                (left (fun () ->
                    try
                        train trainer |> ignore
                    with :? NotSupportedException ->
                        ()))
                0L
                "as many as before"
        }
    ]

let tests = testList "BatchSource" [ sameness; faults; tensors ]

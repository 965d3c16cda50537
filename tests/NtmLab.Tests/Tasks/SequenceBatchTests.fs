module NtmLab.Tests.Tasks.SequenceBatchTests

open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

/// The tensors of a batch, `[batch, time, ...]`.
let private parts (batch: SequenceBatch) : torch.Tensor list = [ batch.Input; batch.Target; batch.Mask ]

let tests =
    testList "SequenceBatch" [
        test
            "the inputs of a batch are aligned as libtorch aligns all, so that products round the same every time" {
            use scope = torch.NewDisposeScope()

            for length in 1..8 do
                let values = Tensors.uniform (RandomStream(1UL, "batch")) 0.0 1.0 [ 2; length; 3 ]
                let input = values.``to`` torch.float32
                let array = (Tensors.values input) |> Array.map float32
                let managed = torch.tensor (array, 2L, int64 length, 3L)
                let batch = new SequenceBatch(length, managed, input.clone (), torch.ones (2L, int64 length))
                Expect.equal (Tensors.values batch.Input) (Tensors.values input) "the values"
                Expect.isTrue (Tensors.isAligned batch.Input) $"length {length}"
        }

        DrawnTask.law
            "groups of a batch are its sequences in order, as many as steps allow"
            (CopyTask())
            (fun case batch ->
                let time, sequences = batch.Input.shape[1], batch.Input.shape[0]
                let most = 1L + int64 (RandomStream(case.Seed, "most").Next(int sequences))
                let groups = List.ofSeq (batch.Groups(most * time + time - 1L))
                let sizes = [ for group in groups -> group.Input.shape[0] ]
                Expect.equal (List.sum sizes) sequences "none is lost"
                Expect.all sizes (fun size -> size <= most) "as many as steps allow"
                Expect.equal sizes.Length (int ((sequences + most - 1L) / most)) "no more groups than needed"

                for part, whole in List.indexed (parts batch) do
                    let joined = torch.cat [| for group in groups -> (parts group)[part] |]
                    Expect.equal (Tensors.bits joined) (Tensors.bits whole) "in order"

                Expect.equal (Seq.length (batch.Groups 1L)) (int sequences) "one at least")

        DrawnTask.law
            "joining keeps every sequence in order, and follows shorter ones with blank steps that do not count"
            (CopyTask())
            (fun case first ->
                let random = RandomStream(case.Seed, "others")

                let batches = [
                    first
                    for _ in 1..3 do
                        case.Task.Generate(random, random.Next(1, 4), random.Next(1, 30))
                ]

                let lengths = [ for batch in batches -> float batch.Length ]
                let before = [ for batch in batches -> [ for part in parts batch -> part.clone () ] ]
                let longest = before |> List.map (fun kept -> kept.Head.shape[1]) |> List.max
                let joined = SequenceBatch.Join batches
                Expect.isTrue (abs (float joined.Length - List.average lengths) <= 0.5) "the mean length"
                Expect.isTrue first.Input.IsInvalid "the batches are used up"
                let mutable row = 0L

                for kept in before do
                    let count, time = kept.Head.shape[0], kept.Head.shape[1]

                    for part, kept in List.zip (parts joined) kept do
                        let rows = part.narrow (0L, row, count)

                        Expect.equal
                            (Tensors.bits (rows.narrow (1L, 0L, time)))
                            (Tensors.bits kept)
                            "sequences"

                        let blank = rows.narrow (1L, time, longest - time)
                        Expect.isFalse (blank.count_nonzero().ToBoolean()) "blank steps"

                    row <- row + count

                for part in parts joined do
                    Expect.equal part.shape[0] row "no other sequences"
                    Expect.equal part.shape[1] longest "as long as the longest")

        test "joining tokens gives tokens" {
            use scope = torch.NewDisposeScope()

            let tokens (count: int64) (time: int64) =
                let numbers = torch.full ([| count; time |], (3L).ToScalar(), torch.int64)
                new SequenceBatch(int time, torch.ones (count, time, 1L), numbers, torch.ones (count, time))

            let joined = SequenceBatch.Join [ tokens 1L 2L; tokens 2L 3L ]
            Expect.equal joined.Target.dtype torch.int64 "whole numbers"

            Expect.equal
                (Tensors.values2 joined.Target)
                [| [| 3.0; 3.0; 0.0 |]; [| 3.0; 3.0; 3.0 |]; [| 3.0; 3.0; 3.0 |] |]
                "token 0 where nothing counts"
        }

        test "joining changes no sequence's score, whatever is said in blank steps" {
            use scope = torch.NewDisposeScope()
            let task = CopyTask(Bits = 3)
            let random = RandomStream(1UL, "join")
            let batches = [ for length in [ 2; 5; 1; 5 ] -> task.Generate(random, 3, length) ]
            let said (batch: SequenceBatch) = torch.ones_like batch.Target
            let score (batch: SequenceBatch) = task.Score(said batch, batch)
            let loss (batch: SequenceBatch) = float (task.Loss(said batch, batch).item<float32>())
            let scores, losses = List.map score batches, List.map loss batches
            let joined = SequenceBatch.Join batches
            Expect.equal (score joined) (Array.concat scores) "wrong bits"
            Expect.floatClose Accuracy.medium (loss joined) (List.average losses) "the loss per sequence"
        }
    ]

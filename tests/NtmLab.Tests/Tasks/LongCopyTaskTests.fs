module NtmLab.Tests.Tasks.LongCopyTaskTests

open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

let tests =
    testList "LongCopyTask" [
        DrawnTask.law "is drawn as copy is" (LongCopyTask()) (fun case batch ->
            let copy =
                CopyTask(
                    Bits = case.Task.Bits,
                    MinLength = case.Task.MinLength,
                    MaxLength = case.Task.MaxLength
                )

            use same =
                DrawnTask.generate {
                    Task = copy
                    Batch = case.Batch
                    Length = case.Length
                    Seed = case.Seed
                }

            Expect.equal (Tensors.bits batch.Input) (Tensors.bits same.Input) "inputs"
            Expect.equal (Tensors.bits batch.Target) (Tensors.bits same.Target) "targets"
            Expect.equal (Tensors.bits batch.Mask) (Tensors.bits same.Mask) "masks"
            Expect.equal (case.Task.Lengths()) (copy.Lengths()) "lengths")

        test "trains on hundreds of vectors, and copies ten thousand in 20 001 steps" {
            let task = LongCopyTask()
            Expect.equal (task.Lengths()) (LengthRange(100, 1000)) "lengths"
            use batch = task.Generate(RandomStream(1UL, "copy"), 1, 10_000)
            Expect.equal batch.Input.shape [| 1L; 20_001L; 9L |] "the input"
            let half (start: int64) (tensor: torch.Tensor) = Tensors.bits (tensor.narrow (1L, start, 10_000L))
            let seen = half 0L (batch.Input.narrow (2L, 0L, 8L))
            Expect.equal (half 10_001L batch.Target) seen "all of them again"
        }

        test "is another task than copy, even with its lengths" {
            let lengths = LongCopyTask(MinLength = 1, MaxLength = 20)
            Expect.isFalse (lengths.Equals(CopyTask())) "the name of a run's task stays"
        }

        test "a longest that is shorter than the shortest is refused by name" {
            Faults.says<ConfigurationException>
                [ "task.maxLength: 50"; "100 to" ]
                (LongCopyTask(MaxLength = 50)).Validate
        }
    ]

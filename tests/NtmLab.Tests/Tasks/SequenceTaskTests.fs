module NtmLab.Tests.Tasks.SequenceTaskTests

open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

let tests =
    testList "SequenceTask" [
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
    ]

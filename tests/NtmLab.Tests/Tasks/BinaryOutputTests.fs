module NtmLab.Tests.Tasks.BinaryOutputTests

open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

let private batch () : SequenceBatch = CopyTask(Bits = 5).Generate(RandomStream(1UL, "copy"), 3, 4)

/// Logits that say a target with certainty.
let private saying (target: torch.Tensor) : torch.Tensor =
    (target * (2.0).ToScalar() - (1.0).ToScalar()) * (20.0).ToScalar()

let private inverted (batch: SequenceBatch) : torch.Tensor = saying ((1.0).ToScalar() - batch.Target)

/// Loud nonsense wherever the mask is 0.
let private withNoise (batch: SequenceBatch) (logits: torch.Tensor) : torch.Tensor =
    let mask = batch.Mask.unsqueeze -1L
    logits * mask + ((1.0).ToScalar() - mask) * (37.0).ToScalar()

let private loss (logits: torch.Tensor) (batch: SequenceBatch) : float =
    BinaryOutput.CrossEntropy(logits, batch).to_type(torch.float64).ToDouble()

let tests =
    testList "BinaryOutput" [
        test "the loss at logits 0 is ln 2 a masked bit" {
            use batch = batch ()
            let expected = 4.0 * 5.0 * log 2.0

            Expect.floatClose
                Accuracy.medium
                (loss (torch.zeros_like batch.Target) batch)
                expected
                "nats per sequence"
        }

        test "the loss of the right answer is 0" {
            use batch = batch ()
            Expect.isLessThan (loss (saying batch.Target) batch) 1e-6 "certain and right"
        }

        test "the loss does not see unmasked steps" {
            use batch = batch ()
            let logits = saying batch.Target * (0.05).ToScalar()

            Expect.floatClose
                Accuracy.medium
                (loss (withNoise batch logits) batch)
                (loss logits batch)
                "noise there"
        }

        test "the loss is that of plain loops" {
            use batch = batch ()
            let logits = (Tensors.uniform (RandomStream(2UL, "x")) -3.0 3.0 [ 3; 9; 5 ]).``to`` torch.float32

            let mask =
                Tensors.values3 (batch.Mask.unsqueeze(-1L).expand_as logits)
                |> Array.concat
                |> Array.concat

            let bit (m: float) (x: float, y: float) =
                let p = 1.0 / (1.0 + exp -x)
                -m * (y * log p + (1.0 - y) * log (1.0 - p))

            let expected =
                Array.zip (Tensors.values logits) (Tensors.values batch.Target)
                |> Array.map2 bit mask
                |> Array.sum

            Expect.floatClose
                Accuracy.medium
                (loss logits batch)
                (expected / 3.0)
                "averaged over the sequences"
        }

        test "single and double precision give the same loss and gradient, and second derivatives" {
            use scope = torch.NewDisposeScope()
            let batch = batch ()
            let values = Tensors.uniform (RandomStream(3UL, "x")) -3.0 3.0 [ 3; 9; 5 ]

            let derivatives (precision: torch.ScalarType) =
                let logits = values.``to``(precision).clone().requires_grad_()
                let loss = BinaryOutput.CrossEntropy(logits, batch)
                let first = torch.autograd.grad ([| loss |], [| logits |], create_graph = true)

                let second = torch.autograd.grad ([| GradientCheck.scalar first[0] |], [| logits |])

                loss, first[0], second[0]

            let loss1, first1, second1 = derivatives torch.float32
            let loss2, first2, second2 = derivatives torch.float64
            Expect.isLessThan (Tensors.distance loss1 loss2) 1e-4 "loss"
            Expect.isLessThan (Tensors.distance first1 first2) 1e-6 "gradient"

            Expect.isGreaterThan
                (Tensors.values second2 |> Seq.map abs |> Seq.max)
                1e-2
                "there is a curvature"

            Expect.isLessThan (Tensors.distance second1 second2) 1e-6 "second derivatives"
        }

        test "the right answer has no wrong bits" {
            use batch = batch ()

            Expect.equal
                (BinaryOutput.WrongBits(saying batch.Target, batch))
                [| 0.0f; 0.0f; 0.0f |]
                "one count a sequence"
        }

        test "the inverted answer has all bits wrong" {
            use batch = batch ()

            Expect.equal
                (BinaryOutput.WrongBits(inverted batch, batch))
                [| 20.0f; 20.0f; 20.0f |]
                "4 steps of 5 bits"
        }

        test "wrong bits outside the mask do not count" {
            use batch = batch ()

            Expect.equal
                (BinaryOutput.WrongBits(withNoise batch (saying batch.Target), batch)
                 |> Array.sum)
                0.0f
                "noise"
        }

        test "each sequence has its own count" {
            use batch = batch ()
            let logits = saying batch.Target
            logits.narrow(0L, 1L, 1L).neg_() |> ignore

            Expect.equal
                (BinaryOutput.WrongBits(logits, batch))
                [| 0.0f; 20.0f; 0.0f |]
                "only the second is wrong"
        }

        test "a sequence with any wrong bit is wrong" {
            use batch = batch ()
            let logits = saying batch.Target
            logits.narrow(0L, 1L, 1L).narrow(1L, 5L, 1L).narrow(2L, 3L, 1L).neg_() |> ignore

            Expect.equal
                (BinaryOutput.WrongSequences(withNoise batch logits, batch))
                [| 0.0f; 1.0f; 0.0f |]
                "one bit of the second"

            Expect.equal
                (BinaryOutput.WrongSequences(inverted batch, batch))
                [| 1.0f; 1.0f; 1.0f |]
                "all bits count once"
        }

        test "logits of another shape are refused" {
            use batch = batch ()

            Faults.says<ShapeException> [ "loss"; "[3, 9, 4]"; "[3, 9, 5]" ] (fun () ->
                loss (torch.zeros (3L, 9L, 4L)) batch |> ignore)
        }
    ]

module NtmLab.Tests.Tasks.TokenOutputTests

open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

let private tokens = 6

let private output = TokenOutput tokens

/// Three sequences of seven steps, of which three, none and two count.
let private batch () : SequenceBatch =
    let random = RandomStream(1UL, "tokens")
    let target = Array.init 21 (fun _ -> int64 (random.Next tokens))
    let mask = Array.map float32 [| 0; 1; 0; 0; 1; 1; 0; 0; 0; 0; 0; 0; 0; 0; 1; 0; 0; 0; 0; 0; 1 |]
    new SequenceBatch(7, torch.zeros (3L, 7L, 1L), torch.tensor (target, 3L, 7L), torch.tensor (mask, 3L, 7L))

let private logits (seed: uint64) : torch.Tensor =
    Tensors.uniform (RandomStream(seed, "logits")) -3.0 3.0 [ 3; 7; tokens ]

/// Other logits wherever the mask is 0.
let private withNoise (batch: SequenceBatch) (logits: torch.Tensor) : torch.Tensor =
    let mask = batch.Mask.unsqueeze -1L
    logits * mask + ((1.0).ToScalar() - mask) * (37.0).ToScalar()

let private loss (logits: torch.Tensor) (batch: SequenceBatch) : float =
    output.Loss(logits, batch).to_type(torch.float64).ToDouble()

/// The logits, the wanted token and whether it counts, step by step.
let private steps (logits: torch.Tensor) (batch: SequenceBatch) : (float[] * int * bool)[][] =
    Array.zip3
        (Tensors.values3 logits |> Array.concat)
        (Tensors.values batch.Target |> Array.map int)
        (Tensors.values batch.Mask |> Array.map ((=) 1.0))
    |> Array.chunkBySize 7

let tests =
    testList "TokenOutput" [
        test "the loss is that of plain loops: cross-entropy of the masked steps a sequence" {
            use batch = batch ()
            let logits = logits 2UL

            let step (logits: float[], wanted: int, counts: bool) =
                if counts then
                    log (Array.sumBy exp logits) - logits[wanted]
                else
                    0.0

            let expected = steps logits batch |> Array.concat |> Array.sumBy step
            Expect.floatClose Accuracy.high (loss logits batch) (expected / 3.0) "averaged over the sequences"
        }

        test "the loss is reported in bits" {
            use batch = batch ()
            let reported = loss (torch.zeros (3L, 7L, int64 tokens)) batch * output.LossUnit
            Expect.floatClose Accuracy.medium reported (5.0 * System.Math.Log2 6.0 / 3.0) "log2 6 a step"
        }

        test "the loss has the gradient of finite differences" {
            use batch = batch ()
            let logits = logits 3UL
            GradientCheck.check [ "logits", logits ] (fun () -> output.Loss(logits, batch))
        }

        test "neither loss nor gradient nor counts see unmasked steps" {
            use batch = batch ()
            let logits = logits 4UL
            let noisy = withNoise batch logits
            Expect.equal (loss noisy batch) (loss logits batch) "the loss"
            Expect.equal (output.WrongTokens(noisy, batch)) (output.WrongTokens(logits, batch)) "the counts"
            let variable = logits.requires_grad_ ()
            output.Loss(variable, batch).backward()
            let silent = (1.0).ToScalar() - batch.Mask.unsqueeze -1L
            let there = (Tensors.gradient variable * silent).abs().sum().ToDouble()
            Expect.equal there 0.0 "the gradient"
        }

        test "wrong tokens are those that are not the likeliest" {
            use batch = batch ()
            let logits = logits 5UL

            let isWrong (logits: float[], wanted: int, counts: bool) =
                counts && Array.findIndex ((=) (Array.max logits)) logits <> wanted

            let expected =
                steps logits batch
                |> Array.map (Array.filter isWrong >> Array.length >> float32)

            Expect.equal (output.WrongTokens(logits, batch)) expected "one count a sequence"
        }

        test "all right are none wrong, and all wrong are all" {
            use batch = batch ()
            let right = TaskLaws.saying tokens batch
            Expect.equal (output.WrongTokens(right, batch)) [| 0.0f; 0.0f; 0.0f |] "right"
            Expect.equal (output.WrongTokens(-right, batch)) [| 3.0f; 0.0f; 2.0f |] "wrong"
            Expect.isLessThan (loss right batch) 1e-6 "certain and right"
        }

        test "the fraction is of the steps that count, and 0 where none does" {
            use batch = batch ()
            let right = TaskLaws.saying tokens batch
            Expect.equal (output.WrongFraction(-right, batch)) [| 1.0f; 0.0f; 1.0f |] "all"
            right.narrow(1L, 6L, 1L).neg_() |> ignore
            Expect.equal (output.WrongFraction(right, batch)) [| 0.0f; 0.0f; 0.5f |] "one of two"
        }

        test "answers are probabilities, and what is wanted is shown where it counts" {
            use batch = batch ()
            let answers = output.Answers(logits 6UL)
            Expect.all (Tensors.values (answers.sum -1L)) (fun sum -> abs (sum - 1.0) < 1e-9) "they sum to 1"
            let wanted = output.Wanted batch
            Expect.equal wanted.shape [| 3L; 7L; int64 tokens |] "a channel a token"
            Expect.equal (Tensors.values (wanted.sum -1L)) (Tensors.values batch.Mask) "one of each step"
            let token = wanted.argmax(-1L).``to`` torch.float32 * batch.Mask
            Expect.equal (Tensors.distance token (batch.Target * batch.Mask)) 0.0 "the token's own"
        }

        for shape in [ [ 3L; 7L; 5L ]; [ 3L; 6L; 6L ]; [ 2L; 7L; 6L ]; [ 21L; 6L ] ] do
            test $"logits of shape %A{shape} are refused" {
                use batch = batch ()

                Faults.says<ShapeException> [ "loss"; "[3, 7, 6]" ] (fun () ->
                    loss (torch.zeros (List.toArray shape)) batch |> ignore)
            }
    ]

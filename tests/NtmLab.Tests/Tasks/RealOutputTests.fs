module NtmLab.Tests.Tasks.RealOutputTests

open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

let private output = RealOutput()

/// Two sequences of five steps of three values, of which three steps and one count.
let private batch () : SequenceBatch =
    let target = Tensors.uniform (RandomStream(1UL, "target")) -1.0 1.0 [ 2; 5; 3 ]
    let mask = Array.map float32 [| 1; 0; 1; 1; 0; 0; 0; 0; 0; 1 |]
    new SequenceBatch(5, torch.zeros (2L, 5L, 1L), target.``to`` torch.float32, torch.tensor (mask, 2L, 5L))

let private outputs (seed: uint64) : torch.Tensor =
    Tensors.uniform (RandomStream(seed, "outputs")) -2.0 2.0 [ 2; 5; 3 ]

let private withNoise (batch: SequenceBatch) (outputs: torch.Tensor) : torch.Tensor =
    let mask = batch.Mask.unsqueeze -1L
    outputs * mask + ((1.0).ToScalar() - mask) * (37.0).ToScalar()

let private loss (outputs: torch.Tensor) (batch: SequenceBatch) : float =
    output.Loss(outputs, batch).to_type(torch.float64).ToDouble()

/// The sum of squared errors of each sequence, by plain loops.
let private sums (outputs: torch.Tensor) (batch: SequenceBatch) : float list =
    let outputs, targets = Tensors.values3 outputs, Tensors.values3 batch.Target
    let mask = Tensors.values batch.Mask

    let error (sequence: int) (step: int) (value: int) =
        let difference = outputs[sequence].[step].[value] - targets[sequence].[step].[value]
        mask[5 * sequence + step] * difference * difference

    [
        for sequence in 0..1 do
            List.sum [
                for step in 0..4 do
                    for value in 0..2 -> error sequence step value
            ]
    ]

let tests =
    testList "RealOutput" [
        test "the loss is that of plain loops: squared error of the masked steps a sequence" {
            use batch = batch ()
            let outputs = outputs 2UL

            Expect.floatClose
                Accuracy.high
                (loss outputs batch)
                (List.average (sums outputs batch))
                "the mean"

            Expect.equal output.LossUnit 1.0 "reported as it is"
        }

        test "the loss has the gradient of finite differences" {
            use batch = batch ()
            let outputs = outputs 3UL
            GradientCheck.check [ "outputs", outputs ] (fun () -> output.Loss(outputs, batch))
        }

        test "the squared error of a sequence is the mean of its masked values" {
            use batch = batch ()
            let outputs = outputs 4UL
            let errors = RealOutput.SquaredError(outputs, batch)

            for error, sum, steps in Seq.zip3 errors (sums outputs batch) [ 3.0; 1.0 ] do
                Expect.floatClose Accuracy.medium (float error) (sum / (3.0 * steps)) "three values a step"
        }

        test "the squared error of a sequence in which nothing counts is 0" {
            use batch = batch ()
            batch.Mask.narrow(0L, 1L, 1L).zero_() |> ignore
            let errors = RealOutput.SquaredError(outputs 4UL, batch)
            Expect.isGreaterThan errors[0] 0.0f "the first"
            Expect.equal errors[1] 0.0f "the second"
        }

        test "the target itself has no loss and no error" {
            use batch = batch ()
            Expect.equal (loss batch.Target batch) 0.0 "the loss"
            Expect.equal (RealOutput.SquaredError(batch.Target, batch)) [| 0.0f; 0.0f |] "the error"
        }

        test "neither loss nor error see unmasked steps" {
            use batch = batch ()
            let outputs = outputs 5UL
            let noisy = withNoise batch outputs
            Expect.equal (loss noisy batch) (loss outputs batch) "the loss"

            Expect.equal
                (RealOutput.SquaredError(noisy, batch))
                (RealOutput.SquaredError(outputs, batch))
                "the error"
        }

        test "answers and what is wanted are the values themselves" {
            use batch = batch ()
            let outputs = outputs 6UL
            Expect.equal (Tensors.bits (output.Answers outputs)) (Tensors.bits outputs) "the outputs"
            Expect.equal (Tensors.bits (output.Wanted batch)) (Tensors.bits batch.Target) "the target"
        }

        for shape in [ [ 2L; 5L; 2L ]; [ 2L; 4L; 3L ]; [ 1L; 5L; 3L ]; [ 10L; 3L ] ] do
            test $"outputs of shape %A{shape} are refused" {
                use batch = batch ()

                Faults.says<ShapeException> [ "loss"; "[2, 5, 3]" ] (fun () ->
                    loss (torch.zeros (List.toArray shape)) batch |> ignore)
            }
    ]

/// What holds of every task, whatever its kind.
module NtmLab.Tests.Tasks.TaskLaws

open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

let private bits (batch: SequenceBatch) : byte[] list =
    [ batch.Input; batch.Target; batch.Mask ] |> List.map Tensors.bits

let private shapes (task: SequenceTask) (length: int) =
    test $"has the shapes that it tells models, at length {length}" {
        use batch = task.Generate(RandomStream(1UL, "shapes"), 3, length)
        let time = batch.Input.shape[1]
        Expect.equal batch.Input.shape [| 3L; time; int64 (task.InputWidth()) |] "the input"
        Expect.equal batch.Mask.shape [| 3L; time |] "the mask"
        Expect.equal batch.Length length "the length"

        match task.Output() with
        | :? TokenOutput ->
            Expect.equal batch.Target.shape [| 3L; time |] "the target"
            Expect.equal batch.Target.dtype torch.int64 "of tokens"
            let known token = token >= 0.0 && token < float (task.OutputWidth())
            Expect.all (Tensors.values batch.Target) known "tokens that have a logit"
        | _ -> Expect.equal batch.Target.shape [| 3L; time; int64 (task.OutputWidth()) |] "the target"

        if task.InputTokens() > 0 then
            let known token = token = floor token && token >= 0.0 && token < float (task.InputTokens())
            Expect.all (Tensors.values batch.Input) known "tokens of the input"
    }

/// The laws, at some lengths that the task allows.
let tests (task: SequenceTask) (lengths: int list) : Test =
    let generate (count: int) (length: int) : SequenceBatch =
        task.Generate(RandomStream(1UL, "laws"), count, length)

    testList "laws" [
        for length in lengths do
            shapes task length

            test $"is the same, bit for bit, for the same key, at length {length}" {
                Expect.equal
                    (bits (generate 5 length))
                    (bits (generate 5 length))
                    "nothing but the key decides"
            }

            test $"begins with the same sequences however many there are, at length {length}" {
                let some, more = generate 7 length, generate 20 length

                let first = [ for part in [ more.Input; more.Target; more.Mask ] -> part.narrow (0L, 0L, 7L) ]
                Expect.equal (List.map Tensors.bits first) (bits some) "seven of twenty"
            }

        test "is another batch for another index" {
            let batch (index: uint64) =
                task.Generate(RandomStream(1UL, "laws", index), 5, List.last lengths) |> bits

            Expect.notEqual (batch 0UL) (batch 1UL) "batches differ"
        }

        test "has a name of its own for every channel" {
            let channels = max (task.InputTokens()) (task.InputWidth())
            let inputs = [ for channel in 0 .. channels - 1 -> task.InputName channel ]
            let outputs = [ for channel in 0 .. task.OutputWidth() - 1 -> task.OutputName channel ]
            Expect.equal (List.distinct inputs) inputs "the input's"
            Expect.equal (List.distinct outputs) outputs "the output's"
        }

        test "an empty batch is refused" {
            Faults.says<ConfigurationException> [ ": batch"; "0"; "1 or more" ] (fun () ->
                generate 0 (List.last lengths) |> ignore)
        }

        test "a batch that no array can hold is refused" {
            Faults.says<ConfigurationException> [ ": values in a batch" ] (fun () ->
                generate 256 SequenceTask.LengthLimit |> ignore)
        }
    ]

/// Logits that say every wanted token with certainty.
let saying (tokens: int) (batch: SequenceBatch) : torch.Tensor =
    torch.nn.functional.one_hot(batch.Target, int64 tokens).``to`` torch.float32
    * (30.0).ToScalar()

/// Logits of a guess, which is the same in every step: all tokens from the first one on are equally likely.
let guessing (tokens: int) (first: int) (batch: SequenceBatch) : torch.Tensor =
    let logits = torch.zeros (batch.Target.shape[0], batch.Target.shape[1], int64 tokens)
    logits.narrow(2L, 0L, int64 first).fill_((-100.0).ToScalar()) |> ignore
    logits

/// Requires a predictor without memory to reach what the task says it does, up to five standard errors of 4000 sequences.
let reachesBaseline (task: SequenceTask) (length: int) (predict: SequenceBatch -> torch.Tensor) : unit =
    use scope = torch.NewDisposeScope()
    let batch = task.Generate(RandomStream(24UL, "baseline"), 4000, length)
    let logits = predict batch
    let scores = task.Score(logits, batch) |> Array.map float
    let baseline = task.Baseline length

    let error =
        let mean = Array.average scores

        sqrt (scores |> Array.averageBy (fun score -> (score - mean) ** 2.0))
        / sqrt 4000.0

    Expect.isLessThan (abs (Array.average scores - baseline.Score)) (5.0 * error) "the score"

    let loss =
        task.Loss(logits, batch).to_type(torch.float64).ToDouble()
        * task.Output().LossUnit

    // A uniform guess has the same loss in every sequence; a squared error varies as the score does.
    let tolerance =
        match task.Output() with
        | :? RealOutput -> 5.0 * error
        | _ -> 1e-4 * baseline.Loss

    Expect.isLessThan (abs (loss - baseline.Loss)) tolerance "the loss"

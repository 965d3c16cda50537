/// Answers to tasks, as logits `[batch, time, out]`.
module NtmLab.Tests.Tasks.Answers

open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

/// A logit that leaves no doubt.
let private certainty = 60.0

let private times (number: float) (tensor: torch.Tensor) : torch.Tensor =
    tensor.``to`` torch.float32 * number.ToScalar()

/// Certain of each token of an alphabet.
let certain (alphabet: int) (target: torch.Tensor) : torch.Tensor =
    torch.nn.functional.one_hot (target, int64 alphabet) |> times certainty

/// Certain of the token, or of every bit; real numbers as they are. `target` may lack leading dimensions.
let private saying (task: SequenceTask) (target: torch.Tensor) : torch.Tensor =
    match task.Output() with
    | :? TokenOutput -> certain (task.OutputWidth()) target
    | :? BinaryOutput -> times (2.0 * certainty) target - certainty.ToScalar()
    | _ -> target.clone ()

/// What is wanted, with certainty.
let right (task: SequenceTask) (batch: SequenceBatch) : torch.Tensor = saying task batch.Target

/// Anything.
let random (task: SequenceTask) (batch: SequenceBatch) (seed: uint64) : torch.Tensor =
    let shape = [ int batch.Mask.shape[0]; int batch.Mask.shape[1]; task.OutputWidth() ]
    (Tensors.uniform (RandomStream(seed, "answer")) -3.0 3.0 shape).``to`` torch.float32

/// Where every sequence of a batch wants the same: the places, and what, both without the batch's dimension.
let private agreed (batch: SequenceBatch) : torch.Tensor * torch.Tensor =
    let least, most = batch.Target.amin ([| 0L |]), batch.Target.amax ([| 0L |])
    let counted = batch.Mask.amin ([| 0L |])
    let counted = if least.dim () = 2L then counted.unsqueeze -1L else counted
    least.eq(most).logical_and(counted.gt ((0.0).ToScalar())), least

/// What can be said without memory of the input, knowing the task and the place in the sequence: with certainty what all
/// sequences of a batch have there, and elsewhere that all tokens or bits that come at all are equally likely; of real
/// numbers the mean.
let withoutMemory (task: SequenceTask) (batches: SequenceBatch list) : SequenceBatch -> torch.Tensor =
    let everywhere (batch: SequenceBatch) (logits: torch.Tensor) =
        logits.broadcast_to(batch.Mask.shape[0], batch.Mask.shape[1], int64 (task.OutputWidth())).contiguous()

    match task.Output() with
    | :? TokenOutput ->
        let come = torch.zeros (int64 (task.OutputWidth()))

        for batch in batches do
            let places, _ = agreed batch
            let isOpen = places.logical_not().logical_and(batch.Mask.gt ((0.0).ToScalar()))

            come.index_fill_ (0L, batch.Target.masked_select isOpen, (1.0).ToScalar())
            |> ignore

        fun batch ->
            let places, token = agreed batch

            torch.where (places.unsqueeze -1L, saying task token, times certainty come)
            |> everywhere batch
    | :? BinaryOutput ->
        fun batch ->
            let places, bits = agreed batch

            torch.where (places, saying task bits, torch.zeros_like bits)
            |> everywhere batch
    | _ ->
        let sum = List.sumBy (fun (tensor: torch.Tensor) -> tensor.sum().ToDouble())

        let mean =
            sum [ for batch in batches -> batch.Target ]
            / sum [ for batch in batches -> batch.Mask ]
            / float (task.OutputWidth())

        fun batch -> torch.full ([| 1L; 1L; 1L |], mean.ToScalar()) |> everywhere batch

/// Drawn controllers with a memory, computed by both engines.
module NtmLab.Tests.Kernels.MemoryKernelCase

open Expecto
open NtmLab
open NtmLab.Kernels
open NtmLab.Models
open NtmLab.Tests
open TorchSharp

/// One drawn model with its input, and how the fused engine is to compute it.
type Case = {
    Inputs: int
    Outputs: int
    Options: MemoryModelOptions
    Batch: int
    Time: int
    Kernel: KernelOptions
} with

    override case.ToString() =
        $"inputs {case.Inputs} outputs {case.Outputs} batch {case.Batch} time {case.Time} {case.Options} {case.Kernel}"

let paths = [| VectorPath.Scalar; VectorPath.Vector128; VectorPath.Vector256; VectorPath.Vector512 |]

/// Draws sizes that are no multiples of anything; budgets alternate between whole sequences and recomputed segments.
let private draw
    (seed: uint64)
    (memory: RandomStream -> int -> ControllerOptions -> MemoryModelOptions)
    : Case =
    let random = RandomStream(seed, "fused case")
    let slots = random.Next(1, 40)
    let units = random.Next(1, 40)

    let layers = if random.Next 3 = 0 then random.Next(2, 4) else 1

    let controller: ControllerOptions =
        match random.Next 4 with
        | 0 -> LstmControllerOptions(Units = units, Layers = layers)
        | 1 -> GruControllerOptions(Units = units, Layers = layers)
        | 2 -> RnnControllerOptions(Units = units, Layers = layers)
        | _ -> FeedForwardControllerOptions(Units = units, Layers = layers)

    {
        Inputs = random.Next(1, 12)
        Outputs = random.Next(1, 12)
        Options = memory random slots controller
        Batch = random.Next(1, 18)
        Time = random.Next(1, 51)
        Kernel =
            KernelOptions(
                Path = paths[int (seed % 4UL)],
                MemoryBudget = (if seed % 3UL = 0UL then 1L else 64L <<< 20),
                Threads = 1 + int (seed % 2UL)
            )
    }

/// Draws a Neural Turing Machine.
let drawNtm (seed: uint64) : Case =
    draw seed (fun random slots controller ->
        let reach = random.Next(0, min 4 ((slots + 1) / 2))

        NtmOptions(
            Controller = controller,
            Slots = slots,
            Width = random.Next(1, 14),
            ReadHeads = random.Next(1, 4),
            WriteHeads = random.Next(1, 4),
            ShiftWidth = 2 * reach + 1,
            InitialMemory = 0.05f
        ))

/// Draws a sparse memory; a third of them reads every slot, a third starts with slots that differ. With one number a cosine is a
/// sign, and which slot is nearest rounding's choice.
let drawSparse (seed: uint64) : Case =
    draw seed (fun random slots controller ->
        let kind = random.Next 3

        SparseOptions(
            Controller = controller,
            Slots = slots,
            Width = random.Next(2, 20),
            ReadHeads = random.Next(1, min 4 (slots + 1)),
            Nearest =
                (if kind = 1 then
                     slots
                 else
                     random.Next(1, min 9 (slots + 1))),
            InitialMemory = 0.05f,
            InitialSpread = (if kind = 2 then 0.5 else 0.0)
        ))

/// Draws a Differentiable Neural Computer; a quarter has no links. Slots start with contents of their own, and sequences are short:
/// of slots that are used alike, down to the rounding, each engine may call another one the less used. So it is with slots of one
/// number, whose cosine is a sign.
let drawDnc (seed: uint64) : Case =
    let case =
        draw seed (fun random slots controller ->
            DncOptions(
                Controller = controller,
                Slots = (if random.Next 8 = 0 then 1 else slots),
                Width = random.Next(2, 20),
                ReadHeads = random.Next(1, 4),
                Links = (random.Next 4 > 0),
                InitialSpread = 0.5
            ))

    { case with Time = 1 + case.Time % 14 }

let build (case: Case) (seed: uint64) : MemoryModel =
    let model = case.Options.Build(case.Inputs, case.Outputs, RandomStream(seed, "model")) :?> MemoryModel
    Samples.stir seed model

    // Plain recurrent layers this strong would be chaotic, and magnify every rounding.
    match case.Options.Controller with
    | :? RnnControllerOptions ->
        use noGradient = torch.no_grad ()

        for struct (name, parameter) in model.named_parameters () do
            if name.Contains "hidden_weight" then
                parameter.mul_ (torch.tensor 0.2f) |> ignore
    | _ -> ()

    model

let randomTensor (seed: uint64) (shape: int list) : torch.Tensor =
    (Tensors.uniform (RandomStream(seed, "tensor")) -1.0 1.0 shape).``to`` torch.float32

/// A copy of a tensor's gradient.
let gradient (tensor: torch.Tensor) : torch.Tensor =
    match tensor.grad with
    | null -> torch.zeros_like tensor
    | gradient -> gradient.clone ()

let clear (tensor: torch.Tensor) : unit =
    match tensor.grad with
    | null -> ()
    | gradient -> gradient.zero_ () |> ignore

/// Output, gradient of the input and gradients of all parameters, for a random gradient of the output.
let computeWith (model: MemoryModel) (case: Case) (seed: uint64) (precision: torch.ScalarType) =
    for parameter in model.parameters () do
        clear parameter

    let input =
        (randomTensor seed [ case.Batch; case.Time; case.Inputs ]).``to``(precision).requires_grad_()

    let weight = (randomTensor (seed + 1UL) [ case.Batch; case.Time; case.Outputs ]).``to`` precision
    let output = model.Forward input
    (output * weight).sum().backward()

    [
        "output", output.detach ()
        "input", gradient input
        for struct (name, parameter) in model.named_parameters () do
            name, gradient parameter
    ]

let compute (model: MemoryModel) (case: Case) (seed: uint64) : (string * torch.Tensor) list =
    computeWith model case seed torch.float32

/// The greatest difference, relative to the greatest value of that tensor.
let disagreement (fused: torch.Tensor) (reference: torch.Tensor) : float =
    Tensors.distance fused reference
    / (1e-3 + (Tensors.values reference |> Seq.map abs |> Seq.max))

/// Compares with the reference engine. Where both differ, the reference engine in double precision says who is right: the
/// fused engine may be ten times as far off as the reference is in single precision. With slots of one number a cosine is a
/// sign, and its gradient nothing but cancellation, in either engine.
let equalsReference (case: Case) (seed: uint64) : unit =
    use scope = torch.NewDisposeScope()
    use model = build case seed
    let reference = compute model case seed
    model.Fuse case.Kernel
    let fused = compute model case seed

    let exact =
        lazy
            (use model = build case seed
             model.``to`` torch.float64 |> ignore
             computeWith model case seed torch.float64 |> Map.ofList)

    for (name, single), (_, got) in List.zip reference fused do
        if not (disagreement got single <= 1e-4) then
            let expected = exact.Value[name]
            let worst = disagreement got expected
            let floor = if case.Options.Width = 1 then 0.05 else 1e-4

            if not (worst <= max floor (10.0 * disagreement single expected)) then
                failtest $"{name} differs by {worst}: {case}"

let bits (results: (string * torch.Tensor) list) = results |> List.map (snd >> Tensors.bits)

/// A model of a drawn case.
let withModel (draw: uint64 -> Case) (seed: uint64) (test: Case -> MemoryModel -> unit) : unit =
    use scope = torch.NewDisposeScope()
    let case = draw seed
    use model = build case seed
    test case model

/// Derivatives of a scalar loss by the parameters of a model: by all that require gradients, each with its name, in the
/// model's order. Their own gradients (.grad) are left alone. As in Functions, results are plain values, unless the call
/// stands within another derivative, and belong to the caller's dispose scope.
///
/// For example the largest curvature of a loss, by power iteration:
///
///     let norm (v: (string * torch.Tensor) list) =
///         sqrt (v |> List.sumBy (fun (_, part) -> part.square().sum().ToDouble()))
///
///     let rec largestCurvature steps (v: (string * torch.Tensor) list) =
///         let size = (1.0 / norm v).ToScalar()
///         let product = hessianProducts model loss [ for name, part in v -> name, part * size ]
///         if steps = 0 then norm product else largestCurvature (steps - 1) product
///
///     largestCurvature 30 (gradients model loss)
[<AutoOpen>]
module NtmLab.Differentiation.Parameters

open NtmLab
open NtmLab.Differentiation.Autograd
open NtmLab.Models
open TorchSharp

/// A loss at the parameters as they are.
[<NoEquality; NoComparison>]
type private LossPoint = {
    Owner: string
    Tracked: bool
    Names: string list
    Parameters: torch.Tensor[]
    Value: torch.Tensor
}

let private named keep (tensors: (string * torch.Tensor) list) = [
    for name, tensor in tensors -> name, keep tensor
]

let private at
    each
    (owner: string)
    (model: torch.nn.Module)
    (loss: unit -> torch.Tensor)
    (work: LossPoint -> 'results)
    : 'results =
    let parameters = [
        for struct (name, parameter) in model.named_parameters () do
            if parameter.requires_grad then
                name, parameter :> torch.Tensor
    ]

    run each [] (fun tracked ->
        let value = call loss
        requireValues owner "the loss" value

        work {
            Owner = owner
            Tracked = tracked
            Names = List.map fst parameters
            Parameters = [| for _, parameter in parameters -> parameter |]
            Value = value
        })

/// The derivatives of a scalar, each with its parameter's name.
let private pulled (recorded: bool) (scalar: torch.Tensor) (p: LossPoint) : (string * torch.Tensor) list =
    let seed = seedOfScalar p.Owner "loss" scalar
    List.zip p.Names (List.ofArray (pullAll p.Owner recorded scalar seed p.Parameters))

/// The argument v, in the order of the parameters.
let private direction (v: (string * torch.Tensor) list) (p: LossPoint) : torch.Tensor list =
    let given = Map.ofList v

    for name, _ in v do
        if not (List.contains name p.Names) then
            raise (
                ShapeException
                    $"{p.Owner}: v has a part '{name}', but the model has no such parameter that requires gradients."
            )

    [
        for name, parameter in Seq.zip p.Names p.Parameters do
            match given.TryFind name with
            | Some part ->
                requireLike p.Owner $"v of '{name}'" parameter part
                own p.Tracked part
            | None ->
                raise (ShapeException $"{p.Owner}: v has no part '{name}'; one for each parameter is wanted.")
    ]

/// The loss, and its gradient by each parameter, of the parameter's shape.
let fgradients
    (model: torch.nn.Module)
    (loss: unit -> torch.Tensor)
    : torch.Tensor * (string * torch.Tensor) list =
    let keep keep (value, gradients) = keep value, named keep gradients
    at keep "fgradients" model loss (fun p -> p.Value, pulled p.Tracked p.Value p)

/// The gradient of the loss by each parameter, of the parameter's shape.
let gradients (model: torch.nn.Module) (loss: unit -> torch.Tensor) : (string * torch.Tensor) list =
    at named "gradients" model loss (fun p -> pulled p.Tracked p.Value p)

/// The Hessian of the loss by all parameters together, times v, without the Hessian; v has a part for each parameter, by
/// name and of its shape, in any order, as gradients gives them, and so has the result.
let hessianProducts
    (model: torch.nn.Module)
    (loss: unit -> torch.Tensor)
    (v: (string * torch.Tensor) list)
    : (string * torch.Tensor) list =
    at named "hessianProducts" model loss (fun p ->
        let add (slope: torch.Tensor) (_, gradient: torch.Tensor) (part: torch.Tensor) =
            slope + (gradient * part).sum()

        let slope = List.fold2 add (torch.zeros_like p.Value) (pulled true p.Value p) (direction v p)

        pulled p.Tracked slope p)

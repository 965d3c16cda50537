module NtmLab.Tests.FSharp.Differentiation.ParametersTests

open Expecto
open NtmLab
open NtmLab.Differentiation
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.FSharp.Differentiation.Formulas
open NtmLab.Tests.LiveTensors
open TorchSharp

/// A model of a weight and a bias, whose loss |W x + b - y|^2 has known derivatives.
type private Line() as line =
    inherit torch.nn.Module("line")

    do
        line.register_parameter ("weight", torch.nn.Parameter(matrix [ [ 1.0; -2.0 ]; [ 0.5; 3.0 ] ]))
        line.register_parameter ("bias", torch.nn.Parameter(vector [ 0.1; -0.2 ]))

    member val X = vector [ 2.0; -1.0 ]
    member val Y = vector [ 1.0; 1.0 ]
    member _.Weight = Tensors.parameter line "weight"
    member _.Bias = Tensors.parameter line "bias"
    member _.Residual() : torch.Tensor = line.Weight.mv line.X + line.Bias - line.Y
    member _.Loss() : torch.Tensor = line.Residual().square().sum()

let private names (parts: (string * torch.Tensor) list) : string list = List.map fst parts

let private part (name: string) (parts: (string * torch.Tensor) list) : torch.Tensor =
    Map.find name (Map parts)

/// A small NTM in double precision away from its start, and a loss of it.
let private ntm () : MemoryModel * (unit -> torch.Tensor) =
    let model = Samples.build 1UL (NtmOptions(Controller = Samples.lstm 3 1, Slots = 5, Width = 2))
    Samples.stir 2UL model
    model.``to`` torch.float64 |> ignore
    let x = (Samples.input 3UL 2 4).``to`` torch.float64
    model, (fun () -> (model.Forward x).square().mean())

let private like (seed: uint64) (model: torch.nn.Module) : (string * torch.Tensor) list =
    let random = RandomStream(seed, "direction")

    [
        for struct (name, parameter) in model.named_parameters () ->
            name, Tensors.uniform random -1.0 1.0 [ for size in parameter.shape -> int size ]
    ]

let private inner (a: (string * torch.Tensor) list) (b: (string * torch.Tensor) list) : torch.Tensor =
    torch.stack([| for (_, a), (_, b) in List.zip a b -> (a * b).sum() |]).sum()

/// The gradients after a step of the parameters along v.
let private gradientsAfter model loss (v: (string * torch.Tensor) list) (step: float) =
    let move (by: float) =
        use noGradient = torch.no_grad ()

        for name, part in v do
            (Tensors.parameter model name).add_(part * number by) |> ignore

    move step
    let result = gradients model loss
    move -step
    result

let private first =
    testList "gradients" [
        scoped "of a line are known" (fun () ->
            let line = new Line()
            let value, parts = fgradients line line.Loss
            let r = line.Residual().detach()
            same value (r.square().sum()) "value"
            Expect.equal (names parts) [ "weight"; "bias" ] "in the model's order"
            same (part "weight" parts) (number 2.0 * torch.outer (r, line.X)) "2 r x^T"
            same (part "bias" parts) (number 2.0 * r) "2 r"
            Expect.equal (names (gradients line line.Loss)) (names parts) "without the value")

        scoped "of an NTM are those that backward leaves, and leave its own alone" (fun () ->
            let model, loss = ntm ()
            let parts = gradients model loss

            for struct (name, parameter) in model.named_parameters () do
                Expect.isNull parameter.grad name

            loss().backward()

            Expect.equal
                (names parts)
                [ for struct (name, _) in model.named_parameters () -> name ]
                "all of them"

            for name, part in parts do
                same part (Tensors.gradient (Tensors.parameter model name)) name

            let before = Tensors.bits (Tensors.gradient (Tensors.parameter model "output_bias"))
            hessianProducts model loss parts |> ignore

            Expect.equal
                (Tensors.bits (Tensors.gradient (Tensors.parameter model "output_bias")))
                before
                "what was there stays")

        scoped "are plain values, and zero where the loss does not depend on a parameter" (fun () ->
            let line = new Line()
            let parts = gradients line (fun () -> line.Bias.sum ())
            same (part "weight" parts) (torch.zeros_like line.Weight) "weight"
            same (part "bias" parts) (vector [ 1.0; 1.0 ]) "bias"

            for name, part in parts do
                Expect.isFalse part.requires_grad name)

        scoped "share no memory with each other" (fun () ->
            let line = new Line()
            let parts = gradients line (fun () -> (line.Bias + line.Weight[0L]).sum())
            (part "bias" parts).zero_() |> ignore
            same (part "weight" parts) (matrix [ [ 1.0; 1.0 ]; [ 0.0; 0.0 ] ]) "weight")

        scoped "leave out what is frozen" (fun () ->
            let line = new Line()
            line.Weight.requires_grad_ false |> ignore
            Expect.equal (names (gradients line line.Loss)) [ "bias" ] "the rest")

        scoped "can be differentiated within another derivative" (fun () ->
            let line = new Line()

            let size (scale: torch.Tensor) =
                let parts = gradients line (fun () -> scale * line.Loss())
                inner parts parts

            let parts = gradients line line.Loss
            same (diff size (number 3.0)) (number 6.0 * inner parts parts) "d/ds s^2 |g|^2 = 2 s |g|^2")

        scoped "within another loss are second derivatives" (fun () ->
            let line = new Line()

            let penalty () =
                let parts = gradients line line.Loss
                inner parts parts

            let gradient = gradients line line.Loss
            let known = hessianProducts line line.Loss gradient

            for name, part in gradients line penalty do
                same part (number 2.0 * Map.find name (Map known)) $"{name}: 2 H g")

        scoped "of a fused model are those of the reference engine" (fun () ->
            let model = Samples.build 1UL (snd Samples.models.Head)
            let x = Samples.input 3UL 2 4
            let loss () = (model.Forward x).square().mean()
            let reference = gradients model loss
            model.Fuse 1

            for name, part in gradients model loss do
                Expect.isLessThan (Tensors.distance part (Map.find name (Map reference))) 1e-5 name)
    ]

let private second =
    testList "hessianProducts" [
        scoped "of a line are known" (fun () ->
            let line = new Line()
            let v = like 1UL line
            let change = (part "weight" v).mv line.X + part "bias" v
            // The parts of v come in any order.
            let product = hessianProducts line line.Loss (List.rev v)
            same (part "weight" product) (number 2.0 * torch.outer (change, line.X)) "weight"
            same (part "bias" product) (number 2.0 * change) "bias"
            Expect.equal (names product) [ "weight"; "bias" ] "in the model's order")

        scoped "of an NTM are differences of gradients" (fun () ->
            let model, loss = ntm ()
            let v = like 1UL model
            let step = 1e-5

            let numeric =
                List.zip (gradientsAfter model loss v step) (gradientsAfter model loss v -step)
                |> List.map (fun ((name, up), (_, down)) -> name, (up - down) * number (0.5 / step))
                |> Map

            for name, part in hessianProducts model loss v do
                near part numeric[name] name)

        scoped "are symmetric: <H v, w> = <v, H w>" (fun () ->
            let model, loss = ntm ()
            let v, w = like 1UL model, like 2UL model
            same (inner (hessianProducts model loss v) w) (inner v (hessianProducts model loss w)) "symmetry")

        scoped "in inference mode are the same" (fun () ->
            let line = new Line()
            let known = hessianProducts line line.Loss (like 1UL line)
            use inference = torch.inference_mode true

            for name, part in hessianProducts line line.Loss (like 1UL line) do
                same part (Map.find name (Map known)) name)

        scoped "of a loss that is linear in the parameters are zero" (fun () ->
            let line = new Line()

            for name, part in
                hessianProducts line (fun () -> line.Weight.sum () + line.Bias.sum ()) (like 1UL line) do
                same part (torch.zeros_like part) name)
    ]

let private faults =
    testList "faults" [
        scoped "a loss that is not a scalar is refused" (fun () ->
            let line = new Line()

            Faults.says<ShapeException> [ "gradients: the scalar loss"; "[2]" ] (fun () ->
                gradients line line.Residual |> ignore))

        scoped "a v without a parameter's part is refused" (fun () ->
            let line = new Line()

            Faults.says<ShapeException> [ "hessianProducts"; "'bias'" ] (fun () ->
                hessianProducts line line.Loss [ List.head (like 1UL line) ] |> ignore))

        scoped "a v with a part of no parameter is refused" (fun () ->
            let line = new Line()

            Faults.says<ShapeException> [ "hessianProducts"; "'slope'" ] (fun () ->
                hessianProducts line line.Loss (("slope", number 1.0) :: like 1UL line)
                |> ignore))

        scoped "a part of another shape is refused" (fun () ->
            let line = new Line()

            Faults.says<ShapeException> [ "hessianProducts"; "'bias'"; "[]"; "[2]" ] (fun () ->
                hessianProducts line line.Loss [ List.head (like 1UL line); "bias", number 1.0 ]
                |> ignore))

        scoped "of a fused model are those of the reference engine, nested ones too" (fun () ->
            let model = Samples.build 1UL (snd Samples.models.Head)
            let x = Samples.input 3UL 2 4
            let loss () = (model.Forward x).square().mean()
            let v = gradients model loss

            let nested () =
                grad
                    (fun s ->
                        snd (List.head (gradients model (fun () -> s * (loss ()).square()))) |> _.sum())
                    (torch.tensor 1.0f)

            let expected, expectedNested = hessianProducts model loss v, nested ()
            model.Fuse 1

            for (name, part), (_, expected) in List.zip (hessianProducts model loss v) expected do
                Expect.isLessThan (Tensors.distance part expected) 1e-5 name

            Expect.isLessThan (Tensors.distance (nested ()) expectedNested) 1e-5 "nested")
    ]

// No other test runs meanwhile: the count is of the whole process.
let private live =
    testSequenced
    <| testList "live tensors" [
        scoped "results are all that is left" (fun () ->
            let model, loss = ntm ()
            let v = like 1UL model

            let deriveAndDispose () =
                let value, parts = fgradients model loss
                value.Dispose()

                for _, part in parts @ gradients model loss @ hessianProducts model loss v do
                    part.Dispose()

            deriveAndDispose ()
            Expect.equal (left deriveAndDispose) 0L "as many as before")
    ]

let tests = testList "Parameters" [ first; second; faults; live ]

module NtmLab.Tests.FSharp.Differentiation.ResultsTests

open System
open Expecto
open NtmLab.Differentiation
open NtmLab.Tests
open NtmLab.Tests.FSharp.Differentiation.Formulas
open NtmLab.Tests.LiveTensors
open TorchSharp

let private cubes (x: torch.Tensor) : torch.Tensor = x * x * x
let private sum (x: torch.Tensor) : torch.Tensor = (cubes x).sum()

/// Every function, with what it gives at x along v.
let private every (x: torch.Tensor) (v: torch.Tensor) : (string * (unit -> torch.Tensor list)) list =
    let one f = fun () -> [ f () ]

    let two f =
        fun () ->
            let a, b = f ()
            [ a; b ]

    let three f =
        fun () ->
            let a, b, c = f ()
            [ a; b; c ]

    let scalar = x.sum().detach()

    [
        "diff", one (fun () -> diff sum scalar)
        "fdiff", two (fun () -> fdiff sum scalar)
        "diffn", one (fun () -> diffn 2 sum scalar)
        "fdiffn", two (fun () -> fdiffn 2 sum scalar)
        "grad", one (fun () -> grad sum x)
        "fgrad", two (fun () -> fgrad sum x)
        "gradv", one (fun () -> gradv sum x v)
        "fgradv", two (fun () -> fgradv sum x v)
        "hessian", one (fun () -> hessian sum x)
        "fhessian", two (fun () -> fhessian sum x)
        "hessianv", one (fun () -> hessianv sum x v)
        "fhessianv", two (fun () -> fhessianv sum x v)
        "gradhessian", two (fun () -> gradhessian sum x)
        "fgradhessian", three (fun () -> fgradhessian sum x)
        "gradhessianv", two (fun () -> gradhessianv sum x v)
        "fgradhessianv", three (fun () -> fgradhessianv sum x v)
        "laplacian", one (fun () -> laplacian sum x)
        "flaplacian", two (fun () -> flaplacian sum x)
        "jacobian", one (fun () -> jacobian cubes x)
        "fjacobian", two (fun () -> fjacobian cubes x)
        "jacobianv", one (fun () -> jacobianv cubes x v)
        "fjacobianv", two (fun () -> fjacobianv cubes x v)
        "jacobianTv", one (fun () -> jacobianTv cubes x v)
        "fjacobianTv", two (fun () -> fjacobianTv cubes x v)
        "jvp", one (fun () -> jvp cubes x v)
        "fjvp", two (fun () -> fjvp cubes x v)
        "vjp", one (fun () -> vjp cubes x v)
        "fvjp", two (fun () -> fvjp cubes x v)
        "curl", one (fun () -> curl cubes x)
        "fcurl", two (fun () -> fcurl cubes x)
        "divergence", one (fun () -> divergence cubes x)
        "fdivergence", two (fun () -> fdivergence cubes x)
    ]

let private place () = vector [ 0.5; -1.0; 2.0 ]
let private towards () = vector [ 1.0; 0.3; -0.7 ]

let private graphs =
    testList "graphs" [
        scoped "results are plain values" (fun () ->
            for name, derive in every (place ()) (towards ()) do
                for result in derive () do
                    Expect.isFalse result.requires_grad name)

        scoped "results are plain values though f captured what requires gradients" (fun () ->
            let weight = (number 2.0).requires_grad_ true

            Expect.isFalse
                (grad (fun x -> weight * sum x) (place ())).requires_grad
                "the weight is f's own affair")

        scoped
            "where x requires gradients, results can be differentiated by it and by what f captured"
            (fun () ->
                let x = (place ()).requires_grad_ true
                let weight = (number 2.0).requires_grad_ true
                let gradient = grad (fun x -> weight * sum x) x
                gradient.sum().backward()
                same (Tensors.gradient x) (number 12.0 * x.detach ()) "by x"
                same (Tensors.gradient weight) (number 3.0 * x.detach().square().sum()) "by the weight")

        scoped "where v requires gradients, results can be differentiated by it" (fun () ->
            let v = (towards ()).requires_grad_ true
            (hessianv sum (place ()) v).sum().backward()
            same (Tensors.gradient v) (number 6.0 * place ()) "the Hessian's diagonal")

        scoped "where gradients are off, results are plain values, and are right" (fun () ->
            let x = (place ()).requires_grad_ true
            use noGradient = torch.no_grad ()
            let gradient = grad sum x
            Expect.isFalse gradient.requires_grad "plain"
            same gradient (number 3.0 * x * x) "3 x^2"
            Expect.isFalse (torch.is_grad_enabled ()) "gradients are off as before")

        scoped "in inference mode, results are right" (fun () ->
            use inference = torch.inference_mode true
            same (hessianv sum (place ()) (towards ())) (number 6.0 * place () * towards ()) "hessianv"
            Expect.isTrue (torch.is_inference_mode_enabled ()) "the mode is as before"
            Expect.isFalse (torch.is_grad_enabled ()) "gradients are off as before")

        scoped "an argument's own gradient is left alone" (fun () ->
            let x = (place ()).requires_grad_ true
            x.square().sum().backward()
            let before = Tensors.bits (Tensors.gradient x)

            for _, derive in every x (towards ()) do
                derive () |> ignore

            Expect.equal (Tensors.bits (Tensors.gradient x)) before "x.grad")

        scoped "results share no memory with arguments, nor with what f captured" (fun () ->
            let x, v, captured = place (), towards (), number 7.0
            let value, product = fvjp id x v
            let constant, _ = fgrad (fun _ -> captured) x

            for result in [ value; product; constant ] do
                result.zero_ () |> ignore

            same x (place ()) "x"
            same v (towards ()) "v"
            same captured (number 7.0) "captured")

        scoped "results can be changed in place, value by value" (fun () ->
            let gradient = grad (fun x -> x.sum ()) (place ())
            gradient[1L].zero_() |> ignore
            same gradient (vector [ 1.0; 0.0; 1.0 ]) "one value is another number")

        scoped "after an f that fails, results are plain values again" (fun () ->
            Expect.throws (fun () -> grad (fun _ -> failwith "no") (place ()) |> ignore) "the fault passes"
            Expect.isFalse (grad sum (place ())).requires_grad "no derivative is under way")
    ]

// No other test runs meanwhile: the count is of the whole process.
let private live =
    testSequenced
    <| testList "live tensors" [
        scoped "every function leaves its results and nothing else" (fun () ->
            let x, v = place (), towards ()

            for name, derive in every x v do
                let deriveAndDispose () =
                    for result in derive () do
                        result.Dispose()

                deriveAndDispose ()
                Expect.equal (left deriveAndDispose) 0L name)

        scoped "nested derivatives leave nothing else" (fun () ->
            let x, v = place (), towards ()
            let f (x: torch.Tensor) = (hessianv sum x v).dot(grad sum x)
            let nested () = (grad f x).Dispose()
            nested ()
            Expect.equal (left nested) 0L "as many as before")

        scoped "an f that fails leaves nothing" (fun () ->
            let x = place ()

            let fails () =
                try
                    (grad cubes x).Dispose()
                with :? NtmLab.ShapeException ->
                    ()

            fails ()
            Expect.equal (left fails) 0L "as many as before")

        scoped "results outlive the derivative and end with the caller's scope" (fun () ->
            let x, v = place (), towards ()

            for name, derive in every x v do
                let scope = torch.NewDisposeScope()
                let results = derive ()

                for result in results do
                    Expect.isTrue (scope.Contains result) $"{name}: in the caller's scope"

                scope.Dispose()

                for result in results do
                    Expect.isTrue result.IsInvalid $"{name}: gone with it")

        testCase "without a scope, results belong to the caller" (fun () ->
            use x = place ()
            use gradient = grad sum x
            Expect.isFalse gradient.IsInvalid "alive"
            GC.KeepAlive x)
    ]

let tests = testList "Results" [ graphs; live ]

module NtmLab.Tests.FSharp.Differentiation.NestingTests

open Expecto
open NtmLab.Differentiation
open NtmLab.Tests.FSharp.Differentiation.Formulas
open TorchSharp

let tests =
    testList "Nesting" [
        scoped "the third derivative of x^5 is 60 x^2" (fun () ->
            let third = diff (diff (diff fifth))
            same (third (number 1.5)) (number (60.0 * 1.5 * 1.5)) "diff thrice"
            same (grad (grad (grad fifth)) (number 1.5)) (number (60.0 * 1.5 * 1.5)) "grad thrice")

        scoped "d/dx (x * d/dy (x + y)) is 1: the two are not confused" (fun () ->
            let f (at: torch.Tensor -> torch.Tensor) (x: torch.Tensor) = x * diff (fun y -> x + y) (at x)
            same (diff (f (fun _ -> number 1.0)) (number 3.0)) (number 1.0) "y = 1"
            same (diff (f id) (number 3.0)) (number 1.0) "y = x, the very same tensor")

        scoped "an inner derivative depends on what its function captured" (fun () ->
            // d/dy (x y^2) = 2 x y, at y = 4 whatever x.
            let inner (x: torch.Tensor) = grad (fun y -> x * y * y) (number 4.0)
            same (diff inner (number 3.0)) (number 8.0) "d/dx 2 x y"
            same (diff (fun x -> x * inner x) (number 3.0)) (number 48.0) "d/dx 2 x^2 y")

        scoped "an inner derivative at a function of x follows the chain rule" (fun () ->
            // d/dx of 5 (x^2)^4 is 40 x^7.
            let f (x: torch.Tensor) = diff fifth (x * x)
            same (diff f (number 1.1)) (number (40.0 * 1.1 ** 7.0)) "chain")

        scoped "the Hessian of a function that takes a gradient" (fun () ->
            let a = matrix [ [ 2.0; 1.0 ]; [ 1.0; 3.0 ] ]
            // |grad x^T A x|^2 = |2 A x|^2, whose Hessian is 8 A^T A.
            let f (x: torch.Tensor) = (grad (quadratic a) x).square().sum()
            same (hessian f (vector [ 0.5; -1.0 ])) (number 8.0 * a.t().matmul a) "8 A^T A")

        scoped "the gradient of a function that takes a jvp, by the point and by the direction" (fun () ->
            let cube (x: torch.Tensor) = x * x * x
            let x, v = vector [ 0.5; -1.0 ], vector [ 2.0; 3.0 ]
            let atPoint (x: torch.Tensor) = (jvp cube x v).sum()
            let along (v: torch.Tensor) = (jvp cube x v).sum()
            same (grad atPoint x) (number 6.0 * x * v) "by x"
            same (grad along v) (number 3.0 * x * x) "by v")

        scoped "five levels of jvp are exact" (fun () ->
            let one = number 1.0
            let along (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) = jvp f x one
            same ((along >> along >> along >> along >> along) fifth (number 1.5)) (number 120.0) "5!")

        scoped "gradient descent can be differentiated by its learning rate" (fun () ->
            // Two steps on x^2 from 1: x = (1 - 2 r)^2, so dx/dr = -4 (1 - 2 r).
            let square (x: torch.Tensor) = x * x
            let step (rate: torch.Tensor) (x: torch.Tensor) = x - rate * grad square x
            let two (rate: torch.Tensor) = number 1.0 |> step rate |> step rate
            same (diff two (number 0.1)) (number -3.2) "dx/dr")

        scoped "within torch.no_grad, an inner derivative is a constant" (fun () ->
            let f (x: torch.Tensor) =
                let frozen =
                    use noGradient = torch.no_grad ()
                    diff fifth x

                x * frozen

            same (diff f (number 2.0)) (number 80.0) "5 x^4, not 25 x^4")

        scoped "a detached argument is a constant" (fun () ->
            same (diff (fun x -> x * diff fifth (x.detach ())) (number 2.0)) (number 80.0) "5 x^4")
    ]

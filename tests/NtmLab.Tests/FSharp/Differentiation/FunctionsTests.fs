module NtmLab.Tests.FSharp.Differentiation.FunctionsTests

open Expecto
open NtmLab.Differentiation
open NtmLab.Tests
open NtmLab.Tests.FSharp.Differentiation.Formulas
open TorchSharp

let private a = -1.2
let private b = 0.7
let private place () = vector [ a; b ]
let private towards () = vector [ 0.3; -2.0 ]

/// (x^2 y, 5 x + sin y, x y^3) of (x, y).
let private three (p: torch.Tensor) : torch.Tensor =
    let x, y = p[0L], p[1L]
    torch.stack [| x * x * y; number 5.0 * x + y.sin (); x * y * y * y |]

let private threeJacobian () : torch.Tensor =
    matrix [ [ 2.0 * a * b; a * a ]; [ 5.0; cos b ]; [ b ** 3.0; 3.0 * a * b * b ] ]

/// (y^2 z, x z^3, x^2 y) of (x, y, z).
let private field (p: torch.Tensor) : torch.Tensor =
    let x, y, z = p[0L], p[1L], p[2L]
    torch.stack [| y * y * z; x * z * z * z; x * x * y |]

let private scalars =
    testList "of a scalar" [
        scoped "diff of x^5 is 5 x^4" (fun () ->
            same (diff fifth (number a)) (number (5.0 * a ** 4.0)) "diff"
            let value, derivative = fdiff fifth (number a)
            same value (number (a ** 5.0)) "value"
            same derivative (number (5.0 * a ** 4.0)) "fdiff")

        scoped "diff of a vector of functions is the vector of their derivatives" (fun () ->
            let circle (t: torch.Tensor) = torch.stack [| t.cos (); t.sin (); t * t |]
            same (diff circle (number b)) (vector [ -sin b; cos b; 2.0 * b ]) "the tangent"
            same (diffn 2 circle (number b)) (vector [ -cos b; -sin b; 2.0 ]) "the second derivative")

        scoped "diffn of x^5 gives every derivative, from x^5 itself to 0" (fun () ->
            for n, factor in [ 0, 1.0; 1, 5.0; 2, 20.0; 3, 60.0; 4, 120.0; 5, 120.0 ] do
                same (diffn n fifth (number a)) (number (factor * a ** float (5 - n))) $"derivative {n}"

            same (diffn 6 fifth (number a)) (number 0.0) "derivative 6"
            let value, third = fdiffn 3 fifth (number a)
            same value (number (a ** 5.0)) "value"
            same third (number (60.0 * a * a)) "fdiffn")

        scoped "grad of a scalar's function is its derivative" (fun () ->
            same (grad fifth (number a)) (number (5.0 * a ** 4.0)) "grad"
            same (hessian fifth (number a)) (number (20.0 * a ** 3.0)) "hessian")
    ]

let private gradients =
    testList "gradient" [
        scoped "of Rosenbrock's valley" (fun () ->
            same (grad rosenbrock (place ())) (rosenbrockGradient a b) "grad"
            let value, gradient = fgrad rosenbrock (place ())
            same value (number ((1.0 - a) ** 2.0 + 100.0 * (b - a * a) ** 2.0)) "value"
            same gradient (rosenbrockGradient a b) "fgrad")

        scoped "along a direction" (fun () ->
            let slope = (rosenbrockGradient a b).dot(towards ())
            same (gradv rosenbrock (place ()) (towards ())) slope "gradv"
            let value, along = fgradv rosenbrock (place ()) (towards ())
            same value (rosenbrock (place ())) "value"
            same along slope "fgradv")

        scoped "by a matrix has the matrix's shape" (fun () ->
            let x = matrix [ [ 1.0; -2.0; 3.0 ]; [ 0.5; 4.0; -1.0 ] ]
            same (grad (fun x -> (x * x * x).sum()) x) (number 3.0 * x * x) "3 x^2")

        scoped "in single precision is of single precision" (fun () ->
            let x = (place ()).``to`` torch.float32
            let gradient = grad (fun x -> (x * x).sum()) x
            Expect.equal gradient.dtype torch.float32 "type"
            Expect.isLessThan (Tensors.distance gradient (x + x)) 1e-6 "2 x")
    ]

let private second =
    testList "second derivatives" [
        scoped "of Rosenbrock's valley" (fun () ->
            same (hessian rosenbrock (place ())) (rosenbrockHessian a b) "hessian"
            let value, h = fhessian rosenbrock (place ())
            same value (rosenbrock (place ())) "value"
            same h (rosenbrockHessian a b) "fhessian")

        scoped "with the gradient" (fun () ->
            let gradient, h = gradhessian rosenbrock (place ())
            same gradient (rosenbrockGradient a b) "gradient"
            same h (rosenbrockHessian a b) "hessian"
            let value, gradient, h = fgradhessian rosenbrock (place ())
            same value (rosenbrock (place ())) "value"
            same gradient (rosenbrockGradient a b) "gradient with value"
            same h (rosenbrockHessian a b) "hessian with value")

        scoped "times a direction" (fun () ->
            let product = (rosenbrockHessian a b).mv(towards ())
            same (hessianv rosenbrock (place ()) (towards ())) product "hessianv"
            let value, hv = fhessianv rosenbrock (place ()) (towards ())
            same value (rosenbrock (place ())) "value"
            same hv product "fhessianv")

        scoped "times a direction, with the slope along it" (fun () ->
            let slope = (rosenbrockGradient a b).dot(towards ())
            let product = (rosenbrockHessian a b).mv(towards ())
            let gv, hv = gradhessianv rosenbrock (place ()) (towards ())
            same gv slope "slope"
            same hv product "product"
            let value, gv, hv = fgradhessianv rosenbrock (place ()) (towards ())
            same value (rosenbrock (place ())) "value"
            same gv slope "slope with value"
            same hv product "product with value")

        scoped "of a quadratic form are A + A^T everywhere" (fun () ->
            let a = matrix [ [ 1.0; 2.0; -1.0 ]; [ 0.0; 3.0; 5.0 ]; [ 4.0; 0.5; -2.0 ] ]
            let x = vector [ 0.3; -0.8; 2.0 ]
            same (grad (quadratic a) x) ((a + a.t ()).mv x) "gradient"
            same (hessian (quadratic a) x) (a + a.t ()) "hessian")

        scoped "by a matrix have its shape twice over" (fun () ->
            let x = matrix [ [ 1.0; -2.0; 3.0 ]; [ 0.5; 4.0; -1.0 ] ]
            let h = hessian (fun x -> (x * x * x).sum()) x
            Expect.equal h.shape [| 2L; 3L; 2L; 3L |] "shape"
            same (h.reshape (6L, 6L)) (torch.diag (number 6.0 * x.reshape -1L)) "6 x on the diagonal")

        scoped "laplacian of |x|^2 is 2 for each value, whatever the shape" (fun () ->
            let square (x: torch.Tensor) = x.square().sum()
            same (laplacian square (place ())) (number 4.0) "of a vector"

            same
                (laplacian square (matrix [ [ 1.0; 2.0; 3.0 ]; [ 4.0; 5.0; 6.0 ] ]))
                (number 12.0)
                "of a matrix"

            let value, trace = flaplacian rosenbrock (place ())
            same value (rosenbrock (place ())) "value"
            same trace (number (1200.0 * a * a - 400.0 * b + 202.0)) "flaplacian")
    ]

let private jacobians =
    testList "jacobian" [
        scoped "of three functions of two variables" (fun () ->
            same (jacobian three (place ())) (threeJacobian ()) "jacobian"
            let value, j = fjacobian three (place ())
            same value (three (place ())) "value"
            same j (threeJacobian ()) "fjacobian")

        scoped "of one function of two variables is one row" (fun () ->
            let one (p: torch.Tensor) = (rosenbrock p).reshape 1L
            same (jacobian one (place ())) ((rosenbrockGradient a b).reshape(1L, 2L)) "the gradient")

        scoped "of the softmax is diag p - p p^T" (fun () ->
            let x = vector [ 0.5; -1.0; 2.0; 0.1 ]
            let p = x.softmax 0L
            same (jacobian (fun x -> x.softmax 0L) x) (torch.diag p - torch.outer (p, p)) "jacobian")

        scoped "times a direction" (fun () ->
            let product = (threeJacobian ()).mv(towards ())

            for name, times, ftimes in [ "jacobianv", jacobianv, fjacobianv; "jvp", jvp, fjvp ] do
                same (times three (place ()) (towards ())) product name
                let value, jv = ftimes three (place ()) (towards ())
                same value (three (place ())) $"{name}: value"
                same jv product $"{name} with value")

        scoped "transposed, times a direction" (fun () ->
            let v = vector [ 2.0; -1.0; 0.5 ]
            let product = (threeJacobian ()).t().mv v

            for name, times, ftimes in [ "jacobianTv", jacobianTv, fjacobianTv; "vjp", vjp, fvjp ] do
                same (times three (place ()) v) product name
                let value, jtv = ftimes three (place ()) v
                same value (three (place ())) $"{name}: value"
                same jtv product $"{name} with value")

        scoped "times a direction, for matrices" (fun () ->
            let left = matrix [ [ 1.0; 2.0 ]; [ -1.0; 0.5 ]; [ 3.0; 1.0 ] ]
            let x, v = matrix [ [ 1.0; 2.0 ]; [ 3.0; 4.0 ] ], matrix [ [ 0.1; -1.0 ]; [ 2.0; 0.3 ] ]
            let w = matrix [ [ 1.0; 0.0 ]; [ 2.0; -1.0 ]; [ 0.5; 0.5 ] ]
            same (jvp (fun x -> left.matmul x) x v) (left.matmul v) "forward"
            same (vjp (fun x -> left.matmul x) x w) (left.t().matmul w) "backward")

        scoped "curl of a field" (fun () ->
            let x, y, z = 0.5, -1.5, 2.0
            let at = vector [ x; y; z ]

            let known = vector [ x * x - 3.0 * x * z * z; y * y - 2.0 * x * y; z ** 3.0 - 2.0 * y * z ]

            same (curl field at) known "curl"
            let value, rotation = fcurl field at
            same value (field at) "value"
            same rotation known "fcurl")

        scoped "divergence of a field" (fun () ->
            let cubes (x: torch.Tensor) = x * x * x + x.sum ()
            let at = vector [ 0.5; -1.5; 2.0; 1.0 ]
            let known = number 3.0 * at.square().sum() + number 4.0
            same (divergence cubes at) known "divergence"
            let value, spread = fdivergence cubes at
            same value (cubes at) "value"
            same spread known "fdivergence"
            same (divergence field (vector [ 1.0; 2.0; 3.0 ])) (number 0.0) "of a field without sources")
    ]

let private constants =
    testList "where f does not depend on x" [
        scoped "every derivative is zero" (fun () ->
            let x, v = place (), towards ()
            let none, nothing = torch.zeros_like x, matrix [ [ 0.0; 0.0 ]; [ 0.0; 0.0 ] ]
            let scalar (_: torch.Tensor) = number 7.0
            let pair (_: torch.Tensor) = vector [ 1.0; 2.0 ]
            same (grad scalar x) none "grad"
            same (gradv scalar x v) (number 0.0) "gradv"
            same (hessian scalar x) nothing "hessian"
            same (hessianv scalar x v) none "hessianv"
            same (laplacian scalar x) (number 0.0) "laplacian"
            same (jacobian pair x) nothing "jacobian"
            same (jacobianv pair x v) none "jacobianv"
            same (jacobianTv pair x v) none "jacobianTv"
            same (diff scalar (number 1.0)) (number 0.0) "diff"
            same (diff pair (number 1.0)) none "diff of a vector"
            same (fst (fgrad scalar x)) (number 7.0) "but the value is there")

        scoped "one value of it has derivative zero" (fun () ->
            let f (x: torch.Tensor) = torch.stack [| x[0L] * x[0L]; number 3.0; x[0L] |]

            same
                (jacobian f (place ()))
                (matrix [ [ 2.0 * a; 0.0 ]; [ 0.0; 0.0 ]; [ 1.0; 0.0 ] ])
                "by columns")

        scoped "the Hessian of a linear function is zero" (fun () ->
            let linear (x: torch.Tensor) = x.dot (towards ())
            same (hessian linear (place ())) (matrix [ [ 0.0; 0.0 ]; [ 0.0; 0.0 ] ]) "hessian")

        scoped "though it depends on something else, the derivative is zero" (fun () ->
            let other = (place ()).requires_grad_ true
            same (grad (fun _ -> other.square().sum()) (place ())) (vector [ 0.0; 0.0 ]) "grad"
            Expect.isNull other.grad "nothing reached it")
    ]

let tests = testList "Functions" [ scalars; gradients; second; jacobians; constants ]

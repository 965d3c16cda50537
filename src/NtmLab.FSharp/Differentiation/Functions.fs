/// Derivatives of functions from tensors to tensors, with DiffSharp's names and meanings, over libtorch's autograd:
///
///     open NtmLab.Differentiation
///     let f (x: torch.Tensor) = (x * x * x).sum()
///     let gradient = grad f x             // 3 x^2, of the shape of x
///     let value, h = fhessian f x         // a name with f before it gives f(x) as well
///     let third = diff (diff (diff f)) a  // derivatives nest
///
/// f may take derivatives itself, and may capture what another derivative varies: d/dx (x * d/dy (x + y)) is 1. Where f
/// does not depend on x, the derivative is 0.
///
/// Results are plain values. Where the call stands within another derivative, or an argument requires gradients (let x do
/// so for a penalty on a gradient, say), they carry the graph that they can be differentiated again by; where gradients are
/// off (torch.no_grad) they never do. They share no memory with anything else and belong to the caller's dispose scope; all
/// other tensors that f makes are freed.
///
/// TorchSharp has reverse mode only. Each derivative evaluates f once; then grad, gradv and vjp take one backward pass;
/// hessianv, jvp and jacobianv take two, the second through the first; hessian takes one and then one for each value of
/// x; jacobian takes one for each value of f(x), or, where x has fewer, one and then one for each value of x. Forward mode
/// would give jvp without a backward pass; the numbers are the same, at any depth of nesting.
///
/// Of a model that the fused engine computes, second derivatives are computed by the reference engine: slower, and exact.
///
/// Faults: ShapeException for an x, v or f(x) of a wrong shape or type, and DifferentiationException where autograd cannot
/// go on, as after a change in place of what it still needs.
[<AutoOpen>]
module NtmLab.Differentiation.Functions

open TorchSharp

let private single keep a = keep a
let private pair keep (a, b) = keep a, keep b
let private triple keep (a, b, c) = keep a, keep b, keep c

/// f(x), and what is computed at x.
let private also (work: Point -> torch.Tensor) (p: Point) : torch.Tensor * torch.Tensor =
    let derivative = work p
    p.Y, derivative

/// f(x), and the two that are computed at x.
let private alsoTwo (work: Point -> torch.Tensor * torch.Tensor) (p: Point) =
    let first, second = work p
    p.Y, first, second

/// The derivative of an f of a scalar: df/dx, of the shape of f(x).
let diff (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    Point.at single "diff" [] f x (Point.derivative 1)

/// f(x), and df/dx as diff gives it.
let fdiff (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor * torch.Tensor =
    Point.at pair "fdiff" [] f x (also (Point.derivative 1))

/// The n-th derivative of an f of a scalar, of the shape of f(x); n is 0 or more.
let diffn (n: int) (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    Point.at single "diffn" [] f x (Point.derivative n)

/// f(x), and the n-th derivative as diffn gives it.
let fdiffn (n: int) (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor * torch.Tensor =
    Point.at pair "fdiffn" [] f x (also (Point.derivative n))

/// The gradient of a scalar f, for an x of any shape: g[i] = df/dx[i], of the shape of x.
let grad (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    Point.at single "grad" [] f x Point.gradient

/// f(x), and the gradient as grad gives it.
let fgrad (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor * torch.Tensor =
    Point.at pair "fgrad" [] f x (also Point.gradient)

/// The slope of a scalar f along v, of the shape of x: sum of g[i] v[i], a scalar.
let gradv (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) (v: torch.Tensor) : torch.Tensor =
    Point.at single "gradv" [ v ] f x (Point.slope v)

/// f(x), and the slope as gradv gives it.
let fgradv
    (f: torch.Tensor -> torch.Tensor)
    (x: torch.Tensor)
    (v: torch.Tensor)
    : torch.Tensor * torch.Tensor =
    Point.at pair "fgradv" [ v ] f x (also (Point.slope v))

/// The Hessian of a scalar f: h[i, j] = d^2f/dx[i]dx[j]; [n, n] for a vector x of n values, and the shape of x twice over
/// for any other.
let hessian (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    Point.at single "hessian" [] f x Point.hessian

/// f(x), and the Hessian as hessian gives it.
let fhessian (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor * torch.Tensor =
    Point.at pair "fhessian" [] f x (also Point.hessian)

/// The Hessian of a scalar f times v, without the Hessian: sum over j of h[i, j] v[j]; v and the result have the shape of x.
let hessianv (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) (v: torch.Tensor) : torch.Tensor =
    Point.at single "hessianv" [ v ] f x (Point.hessianTimes v)

/// f(x), and the product as hessianv gives it.
let fhessianv
    (f: torch.Tensor -> torch.Tensor)
    (x: torch.Tensor)
    (v: torch.Tensor)
    : torch.Tensor * torch.Tensor =
    Point.at pair "fhessianv" [ v ] f x (also (Point.hessianTimes v))

/// The gradient and the Hessian of a scalar f.
let gradhessian (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor * torch.Tensor =
    Point.at pair "gradhessian" [] f x Point.gradientAndHessian

/// f(x), the gradient and the Hessian of a scalar f.
let fgradhessian
    (f: torch.Tensor -> torch.Tensor)
    (x: torch.Tensor)
    : torch.Tensor * torch.Tensor * torch.Tensor =
    Point.at triple "fgradhessian" [] f x (alsoTwo Point.gradientAndHessian)

/// The slope of a scalar f along v, as gradv gives it, and the Hessian times v.
let gradhessianv
    (f: torch.Tensor -> torch.Tensor)
    (x: torch.Tensor)
    (v: torch.Tensor)
    : torch.Tensor * torch.Tensor =
    Point.at pair "gradhessianv" [ v ] f x (Point.slopeAndHessianTimes v)

/// f(x), the slope of a scalar f along v, as gradv gives it, and the Hessian times v.
let fgradhessianv
    (f: torch.Tensor -> torch.Tensor)
    (x: torch.Tensor)
    (v: torch.Tensor)
    : torch.Tensor * torch.Tensor * torch.Tensor =
    Point.at triple "fgradhessianv" [ v ] f x (alsoTwo (Point.slopeAndHessianTimes v))

/// The Laplacian of a scalar f: the trace of its Hessian, sum of d^2f/dx[i]^2, a scalar.
let laplacian (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    Point.at single "laplacian" [] f x Point.laplacian

/// f(x), and the Laplacian as laplacian gives it.
let flaplacian (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor * torch.Tensor =
    Point.at pair "flaplacian" [] f x (also Point.laplacian)

/// The Jacobian of an f from vectors [n] to vectors [m]: j[i, k] = df[i]/dx[k], [m, n].
let jacobian (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    Point.at single "jacobian" [] f x Point.jacobian

/// f(x), and the Jacobian as jacobian gives it.
let fjacobian (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor * torch.Tensor =
    Point.at pair "fjacobian" [] f x (also Point.jacobian)

/// The Jacobian of an f from vectors [n] to vectors [m], times v [n], without the Jacobian: [m].
let jacobianv (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) (v: torch.Tensor) : torch.Tensor =
    Point.at single "jacobianv" [ v ] f x (Point.jacobianTimes v)

/// f(x), and the product as jacobianv gives it.
let fjacobianv
    (f: torch.Tensor -> torch.Tensor)
    (x: torch.Tensor)
    (v: torch.Tensor)
    : torch.Tensor * torch.Tensor =
    Point.at pair "fjacobianv" [ v ] f x (also (Point.jacobianTimes v))

/// The transposed Jacobian of an f from vectors [n] to vectors [m], times v [m], without the Jacobian: [n].
let jacobianTv (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) (v: torch.Tensor) : torch.Tensor =
    Point.at single "jacobianTv" [ v ] f x (Point.jacobianTransposeTimes v)

/// f(x), and the product as jacobianTv gives it.
let fjacobianTv
    (f: torch.Tensor -> torch.Tensor)
    (x: torch.Tensor)
    (v: torch.Tensor)
    : torch.Tensor * torch.Tensor =
    Point.at pair "fjacobianTv" [ v ] f x (also (Point.jacobianTransposeTimes v))

/// The derivative of f along v, as jacobianv, for x and f(x) of any shapes: v has that of x, the result that of f(x).
let jvp (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) (v: torch.Tensor) : torch.Tensor =
    Point.at single "jvp" [ v ] f x (Point.times v)

/// f(x), and the product as jvp gives it.
let fjvp (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) (v: torch.Tensor) : torch.Tensor * torch.Tensor =
    Point.at pair "fjvp" [ v ] f x (also (Point.times v))

/// The gradient of the sum of f(x)[i] v[i], as jacobianTv, for x and f(x) of any shapes: v has that of f(x), the result
/// that of x.
let vjp (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) (v: torch.Tensor) : torch.Tensor =
    Point.at single "vjp" [ v ] f x (Point.transposeTimes v)

/// f(x), and the product as vjp gives it.
let fvjp (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) (v: torch.Tensor) : torch.Tensor * torch.Tensor =
    Point.at pair "fvjp" [ v ] f x (also (Point.transposeTimes v))

/// The curl of an f from vectors [3] to vectors [3]: (j[2,1] - j[1,2], j[0,2] - j[2,0], j[1,0] - j[0,1]), j the Jacobian.
let curl (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    Point.at single "curl" [] f x Point.curl

/// f(x), and the curl as curl gives it.
let fcurl (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor * torch.Tensor =
    Point.at pair "fcurl" [] f x (also Point.curl)

/// The divergence of an f from vectors [n] to vectors [n]: the trace of its Jacobian, a scalar.
let divergence (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor =
    Point.at single "divergence" [] f x Point.divergence

/// f(x), and the divergence as divergence gives it.
let fdivergence (f: torch.Tensor -> torch.Tensor) (x: torch.Tensor) : torch.Tensor * torch.Tensor =
    Point.at pair "fdivergence" [] f x (also Point.divergence)

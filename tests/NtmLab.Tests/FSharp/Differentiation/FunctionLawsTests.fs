module NtmLab.Tests.FSharp.Differentiation.FunctionLawsTests

open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Differentiation
open NtmLab.Tests
open NtmLab.Tests.FSharp.Differentiation.Formulas
open TorchSharp

/// Sizes of a random function's argument and value, and the seed of all numbers.
type FunctionCase = { Inputs: int; Outputs: int; Seed: uint64 }

let private generate: Gen<FunctionCase> = gen {
    let! inputs = Gen.choose (1, 5)
    let! outputs = Gen.choose (1, 5)
    let! seed = Gen.choose (0, System.Int32.MaxValue)
    return { Inputs = inputs; Outputs = outputs; Seed = uint64 seed }
}

/// For FsCheck.
type Arbitraries =
    static member FunctionCase() : Arbitrary<FunctionCase> = Arb.fromGen generate

let private law (name: string) (holds: FunctionCase -> unit) : Test =
    let check (case: FunctionCase) =
        use scope = torch.NewDisposeScope()
        holds case

    testPropertyWithConfig
        {
            FsCheckConfig.defaultConfig with
                maxTest = 30
                arbitrary = [ typeof<Arbitraries> ]
        }
        name
        check

/// Random smooth functions and arguments of a case; the purpose tells functions of one case apart.
type private Sample(case: FunctionCase) =
    let numbers (purpose: string) (shape: int list) =
        Tensors.uniform (RandomStream(case.Seed, purpose)) -1.0 1.0 shape

    member val X = numbers "x" [ case.Inputs ]
    member val V = numbers "v" [ case.Inputs ]
    member val W = numbers "w" [ case.Outputs ]

    /// Each value depends on each argument, with derivatives of every order.
    member _.Map(purpose: string, inputs: int, outputs: int) : torch.Tensor -> torch.Tensor =
        let inner = numbers $"{purpose} inner" [ 4; inputs ]
        let outer = numbers $"{purpose} outer" [ outputs; 4 ]
        let waves = numbers $"{purpose} waves" [ outputs; inputs ]

        fun x -> outer.mv ((inner.mv x).tanh()) * (waves.mv x).cos() + waves.mv (x * x)

    member sample.Vector(purpose: string) = sample.Map(purpose, case.Inputs, case.Outputs)

    member sample.Scalar(purpose: string) : torch.Tensor -> torch.Tensor =
        let map = sample.Vector purpose
        let weights = numbers $"{purpose} weights" [ case.Outputs ]
        fun x -> (map x).dot weights

let private differencesAgree =
    testList "against central differences" [
        law "grad" (fun case ->
            let s = Sample case
            let f = s.Scalar "f"
            near (grad f s.X) ((differences f s.X).squeeze 0L) "gradient")

        law "jacobian, with more values of f(x) than of x and with fewer" (fun case ->
            let s = Sample case
            let f = s.Vector "f"
            near (jacobian f s.X) (differences f s.X) "jacobian")

        law "hessian" (fun case ->
            let s = Sample case
            let f = s.Scalar "f"
            near (hessian f s.X) (differences (grad f) s.X) "hessian")

        law "the gradient of v^T H v, which takes third derivatives" (fun case ->
            let s = Sample case
            let bend (x: torch.Tensor) = (hessianv (s.Scalar "f") x s.V).dot s.V
            near (grad bend s.X) ((differences bend s.X).squeeze 0L) "third derivatives")

        law "the gradient of |J v|^2, through two passes" (fun case ->
            let s = Sample case
            let length (x: torch.Tensor) = (jacobianv (s.Vector "f") x s.V).square().sum()
            near (grad length s.X) ((differences length s.X).squeeze 0L) "gradient")

        law "the gradient of the sum of a Jacobian's squares" (fun case ->
            let s = Sample case
            let size (x: torch.Tensor) = (jacobian (s.Vector "f") x).square().sum()
            near (grad size s.X) ((differences size s.X).squeeze 0L) "gradient")
    ]

let private algebra =
    testList "algebra" [
        law "grad is linear in f" (fun case ->
            let s = Sample case
            let f, g = s.Scalar "f", s.Scalar "g"
            let a, b = number 2.5, number -0.75
            let both = grad (fun x -> a * f x + b * g x) s.X
            same both (a * grad f s.X + b * grad g s.X) "a grad f + b grad g")

        law "grad obeys the product rule" (fun case ->
            let s = Sample case
            let f, g = s.Scalar "f", s.Scalar "g"
            let x = s.X
            same (grad (fun x -> f x * g x) x) (f x * grad g x + g x * grad f x) "f grad g + g grad f")

        law "the Jacobian of a composition is the product of Jacobians" (fun case ->
            let s = Sample case
            let f, g = s.Vector "f", s.Map("g", case.Outputs, 3)
            let product = (jacobian g (f s.X)).matmul(jacobian f s.X)
            same (jacobian (f >> g) s.X) product "the chain rule")

        law
            "gradv, hessianv, jacobianv and jacobianTv are products with grad, hessian and jacobian"
            (fun case ->
                let s = Sample case
                let f, map = s.Scalar "f", s.Vector "map"
                let gradient, h = gradhessian f s.X
                let j = jacobian map s.X
                same (gradv f s.X s.V) (gradient.dot s.V) "gradv"
                same (hessianv f s.X s.V) (h.mv s.V) "hessianv"
                same (jacobianv map s.X s.V) (j.mv s.V) "jacobianv"
                same (jacobianTv map s.X s.W) (j.t().mv s.W) "jacobianTv")

        law "jacobianTv is the adjoint of jacobianv: <J v, w> = <v, J^T w>" (fun case ->
            let s = Sample case
            let f = s.Vector "f"
            same ((jacobianv f s.X s.V).dot s.W) (s.V.dot (jacobianTv f s.X s.W)) "both inner products")

        law "the Hessian is symmetric" (fun case ->
            let s = Sample case
            let h = hessian (s.Scalar "f") s.X
            same h (h.t ()) "its transpose")

        law "the Hessian is the Jacobian of the gradient" (fun case ->
            let s = Sample case
            let f = s.Scalar "f"
            same (jacobian (grad f) s.X) (hessian f s.X) "nested")

        law "the Laplacian is the trace of the Hessian and the divergence of the gradient" (fun case ->
            let s = Sample case
            let f = s.Scalar "f"
            same (laplacian f s.X) ((hessian f s.X).trace()) "trace"
            same (divergence (grad f) s.X) (laplacian f s.X) "divergence")

        law "the curl of a gradient is zero" (fun case ->
            let case = { case with Inputs = 3 }
            let s = Sample case
            same (curl (grad (s.Scalar "f")) s.X) (vector [ 0.0; 0.0; 0.0 ]) "no rotation")

        law "jvp is linear in v: its Jacobian by v is the Jacobian of f" (fun case ->
            let s = Sample case
            let f = s.Vector "f"
            same (jacobian (jvp f s.X) s.V) (jacobian f s.X) "by v")

        law "vjp is linear in v: its Jacobian by v is the transposed Jacobian of f" (fun case ->
            let s = Sample case
            let f = s.Vector "f"
            same (jacobian (vjp f s.X) s.W) ((jacobian f s.X).t()) "by v")
    ]

let tests = testList "Function laws" [ differencesAgree; algebra ]

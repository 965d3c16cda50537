module NtmLab.Tests.FSharp.Differentiation.FaultsTests

open Expecto
open NtmLab
open NtmLab.Differentiation
open NtmLab.Tests
open NtmLab.Tests.FSharp.Differentiation.Formulas
open TorchSharp

let private three () = vector [ 1.0; 2.0; 3.0 ]
let private two () = vector [ 1.0; 2.0 ]
let private square (x: torch.Tensor) : torch.Tensor = x * x
let private sum (x: torch.Tensor) : torch.Tensor = x.square().sum()

let private refused (name: string) (words: string list) (derive: unit -> torch.Tensor) : Test =
    scoped name (fun () -> Faults.says<ShapeException> words (fun () -> derive () |> ignore))

/// Functions that want a scalar f(x), each with its name.
let private ofScalars: (string * ((torch.Tensor -> torch.Tensor) -> torch.Tensor -> torch.Tensor)) list = [
    "grad", grad
    "fgrad", (fun f x -> fst (fgrad f x))
    "gradv", (fun f x -> gradv f x x)
    "hessian", hessian
    "hessianv", (fun f x -> hessianv f x x)
    "gradhessian", (fun f x -> fst (gradhessian f x))
    "gradhessianv", (fun f x -> fst (gradhessianv f x x))
    "laplacian", laplacian
]

/// Functions that want vectors, each with its name.
let private ofVectors: (string * ((torch.Tensor -> torch.Tensor) -> torch.Tensor -> torch.Tensor)) list = [
    "jacobian", jacobian
    "fjacobian", (fun f x -> fst (fjacobian f x))
    "jacobianv", (fun f x -> jacobianv f x x)
    "jacobianTv", (fun f x -> jacobianTv f x x)
    "curl", curl
    "divergence", divergence
]

let private shapes =
    testList "shapes" [
        for name, derive in ofScalars do
            refused $"{name} of a vector f" [ $"{name}: the scalar f(x)"; "[3]" ] (fun () ->
                derive square (three ()))

        for name, derive in ofVectors do
            refused $"{name} of a scalar f" [ $"{name}: the vector f(x)"; "[]" ] (fun () ->
                derive sum (three ()))

            refused $"{name} at a matrix" [ $"{name}: the vector x"; "[2, 1]" ] (fun () ->
                derive square ((two ()).reshape(2L, 1L)))

        refused "diff at a vector" [ "diff: the scalar x"; "[3]" ] (fun () -> diff square (three ()))
        refused "gradv along a shorter v" [ "gradv: v (as x)"; "[2]"; "[3]" ] (fun () ->
            gradv sum (three ()) (two ()))
        refused "hessianv along a shorter v" [ "hessianv: v (as x)"; "[2]"; "[3]" ] (fun () ->
            hessianv sum (three ()) (two ()))
        refused "jacobianv along a shorter v" [ "jacobianv: v (as x)"; "[2]"; "[3]" ] (fun () ->
            jacobianv square (three ()) (two ()))
        refused "jacobianTv along a shorter v" [ "jacobianTv: v (as f(x))"; "[2]"; "[3]" ] (fun () ->
            jacobianTv square (three ()) (two ()))
        refused "jvp along a v of another shape" [ "jvp: v (as x)"; "[3, 1]"; "[3]" ] (fun () ->
            jvp square (three ()) ((three ()).reshape(3L, 1L)))
        refused "vjp along a v of another shape" [ "vjp: v (as f(x))"; "[]"; "[3]" ] (fun () ->
            vjp square (three ()) (number 1.0))
        refused "curl in two dimensions" [ "curl: the Jacobian"; "[2, 2]"; "[3, 3]" ] (fun () ->
            curl square (two ()))
        refused
            "divergence from three dimensions to one"
            [ "divergence: the Jacobian"; "[1, 3]"; "[3, 3]" ]
            (fun () -> divergence (fun x -> (sum x).reshape 1L) (three ()))
        refused "grad at nothing" [ "grad: x has no values" ] (fun () -> grad sum (torch.zeros 0L))
        refused "vjp of an f that gives nothing" [ "vjp: f(x) has no values" ] (fun () ->
            vjp (fun x -> x.narrow (0L, 0L, 0L)) (three ()) (three ()))
    ]

let private types =
    testList "types" [
        refused "grad at whole numbers" [ "grad: x is of type Int64"; "floating-point" ] (fun () ->
            grad sum (torch.tensor [| 1L; 2L |]))
        refused "jacobian of an f that gives whole numbers" [ "jacobian: f(x) is of type Int64" ] (fun () ->
            jacobian (fun x -> x.``to`` torch.int64) (three ()))
        refused
            "hessianv along a v of single precision"
            [ "hessianv: v (as x)"; "Float32"; "Float64" ]
            (fun () -> hessianv sum (three ()) ((three ()).``to`` torch.float32))
    ]

let private autograd =
    testList "autograd" [
        scoped "an operation without second derivatives is named" (fun () ->
            let spread (x: torch.Tensor) =
                let column = x.reshape (3L, 1L)
                torch.cdist(column, column).sum()

            Faults.says<DifferentiationException> [ "hessian:"; "_cdist_backward" ] (fun () ->
                hessian spread (three ()) |> ignore))

        scoped "a change in place of what is still needed is refused" (fun () ->
            let changed (x: torch.Tensor) =
                let y = x.exp ()
                let z = y * y
                y.add_ x |> ignore
                z.sum ()

            Faults.says<DifferentiationException> [ "grad:"; "inplace" ] (fun () ->
                grad changed (three ()) |> ignore))
    ]

let private orders =
    testList "orders" [
        scoped "a derivative of negative order is refused" (fun () ->
            Faults.says<ConfigurationException> [ "diffn: n: -1"; "0 or more" ] (fun () ->
                diffn -1 square (number 1.0) |> ignore))
    ]

let tests = testList "Faults" [ shapes; types; autograd; orders ]

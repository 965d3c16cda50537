namespace NtmLab.Differentiation

open NtmLab
open NtmLab.Differentiation.Autograd
open TorchSharp

/// A function at a point, within the scope of one derivative.
[<NoEquality; NoComparison>]
type internal Point = {
    /// The derivative's name, for messages.
    Owner: string
    /// Whether the results are to be differentiated again.
    Tracked: bool
    /// The argument: a node of its own, so that nothing counts but what f does with it.
    X: torch.Tensor
    /// f(x).
    Y: torch.Tensor
}

/// What can be computed at a point.
module internal Point =

    let private variable (tensor: torch.Tensor) : torch.Tensor =
        if tensor.requires_grad then
            tensor
        else
            tensor.requires_grad_ true

    /// Evaluates f at x and works on it. Results may be differentiated by x and by further arguments.
    let at
        (each: (torch.Tensor -> torch.Tensor) -> 'results -> 'results)
        (owner: string)
        (further: torch.Tensor list)
        (f: torch.Tensor -> torch.Tensor)
        (x: torch.Tensor)
        (work: Point -> 'results)
        : 'results =
        requireValues owner "x" x

        run each (x :: further) (fun tracked ->
            let x = variable (own tracked x)
            let y = call (fun () -> f x)
            requireValues owner "f(x)" y
            work { Owner = owner; Tracked = tracked; X = x; Y = y })

    /// The argument v, which has to be like x or like f(x).
    let private direction (name: string) (like: torch.Tensor) (v: torch.Tensor) (p: Point) : torch.Tensor =
        requireLike p.Owner $"v (as {name})" like v
        own p.Tracked v

    /// J^T v of an output, by x.
    let private pulled (recorded: bool) (output: torch.Tensor) (v: torch.Tensor) (p: Point) : torch.Tensor =
        pull p.Owner recorded output v p.X

    /// u, and J^T u of an output as a function of u: its derivative by u, times v, is J v.
    let private transposed (output: torch.Tensor) (p: Point) : torch.Tensor * torch.Tensor =
        let u = variable (torch.zeros_like output)
        u, pulled true output u p

    /// J v of an output, by x.
    let private pushed (recorded: bool) (output: torch.Tensor) (v: torch.Tensor) (p: Point) : torch.Tensor =
        let u, product = transposed output p
        pull p.Owner recorded product v u

    /// One-hot tensors of a shape, in order.
    let private basis (like: torch.Tensor) : torch.Tensor[] =
        let rows = torch.eye (like.numel (), dtype = like.dtype, device = like.device)
        [| for row in rows.unbind 0L -> row.reshape like.shape |]

    let private gradientToUse (recorded: bool) (p: Point) : torch.Tensor =
        pulled recorded p.Y (seedOfScalar p.Owner "f(x)" p.Y) p

    /// The gradient of a scalar f.
    let gradient (p: Point) : torch.Tensor = gradientToUse p.Tracked p

    /// The gradient of a scalar f times v.
    let slope (v: torch.Tensor) (p: Point) : torch.Tensor =
        let gradient = gradient p
        (gradient * direction "x" p.X v p).sum()

    let private hessianOfGradient (gradient: torch.Tensor) (p: Point) : torch.Tensor =
        let rows = [| for v in basis p.X -> pulled p.Tracked gradient v p |]
        torch.stack(rows, 0L).reshape(Array.append p.X.shape p.X.shape)

    /// The gradient and the Hessian of a scalar f.
    let gradientAndHessian (p: Point) : torch.Tensor * torch.Tensor =
        let gradient = gradientToUse true p
        gradient, hessianOfGradient gradient p

    /// The Hessian of a scalar f.
    let hessian (p: Point) : torch.Tensor = snd (gradientAndHessian p)

    /// The gradient of a scalar f times v, and its Hessian times v.
    let slopeAndHessianTimes (v: torch.Tensor) (p: Point) : torch.Tensor * torch.Tensor =
        let gradient = gradientToUse true p
        let v = direction "x" p.X v p
        (gradient * v).sum(), pulled p.Tracked gradient v p

    /// The Hessian of a scalar f times v.
    let hessianTimes (v: torch.Tensor) (p: Point) : torch.Tensor = snd (slopeAndHessianTimes v p)

    /// The trace of the Hessian of a scalar f.
    let laplacian (p: Point) : torch.Tensor =
        let values = p.X.numel ()
        (hessian p).reshape(values, values).trace()

    /// Requires f to map vectors to vectors.
    let private requireVectors (p: Point) : unit =
        requireShape p.Owner "the vector x" [| Shape.Any |] p.X
        requireShape p.Owner "the vector f(x)" [| Shape.Any |] p.Y

    /// The Jacobian of a vector f: by rows or by columns, whichever are fewer.
    let jacobian (p: Point) : torch.Tensor =
        requireVectors p

        if p.Y.numel () <= p.X.numel () then
            torch.stack ([| for v in basis p.Y -> pulled p.Tracked p.Y v p |], 0L)
        else
            let u, product = transposed p.Y p
            torch.stack ([| for v in basis p.X -> pull p.Owner p.Tracked product v u |], 1L)

    /// J v, for x and f(x) of any shapes.
    let times (v: torch.Tensor) (p: Point) : torch.Tensor = pushed p.Tracked p.Y (direction "x" p.X v p) p

    /// J^T v, for x and f(x) of any shapes.
    let transposeTimes (v: torch.Tensor) (p: Point) : torch.Tensor =
        pulled p.Tracked p.Y (direction "f(x)" p.Y v p) p

    /// J v of a vector f.
    let jacobianTimes (v: torch.Tensor) (p: Point) : torch.Tensor =
        requireVectors p
        times v p

    /// J^T v of a vector f.
    let jacobianTransposeTimes (v: torch.Tensor) (p: Point) : torch.Tensor =
        requireVectors p
        transposeTimes v p

    /// The curl of a vector f in three dimensions.
    let curl (p: Point) : torch.Tensor =
        let jacobian = jacobian p
        requireShape p.Owner "the Jacobian" [| 3L; 3L |] jacobian
        let twist = jacobian - jacobian.t ()
        torch.stack ([| twist[2L, 1L]; twist[0L, 2L]; twist[1L, 0L] |], 0L)

    /// The trace of the Jacobian of a vector f.
    let divergence (p: Point) : torch.Tensor =
        let jacobian = jacobian p
        let width = p.X.shape[0]
        requireShape p.Owner "the Jacobian" [| width; width |] jacobian
        jacobian.trace ()

    /// The n-th derivative of an f of a scalar; all orders but the last are recorded, to be differentiated again.
    let derivative (n: int) (p: Point) : torch.Tensor =
        Require.AtLeast($"{p.Owner}: n", n, 0L)
        requireShape p.Owner "the scalar x" [||] p.X

        let next (y: torch.Tensor) (order: int) =
            let recorded = p.Tracked || order < n

            if y.dim () = 0L then
                pulled recorded y (torch.ones_like y) p
            else
                pushed recorded y (torch.ones_like p.X) p

        List.fold next p.Y [ 1..n ]

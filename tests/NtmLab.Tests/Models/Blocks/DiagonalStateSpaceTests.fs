module NtmLab.Tests.Models.Blocks.DiagonalStateSpaceTests

open System
open System.Numerics
open Expecto
open NtmLab
open NtmLab.Models.Blocks
open NtmLab.Tests
open TorchSharp

let private channels, states = 3, 4

let private fresh () : DiagonalStateSpace =
    let stateSpace = new DiagonalStateSpace(channels, states, 0.01, 0.5, RandomStream(1UL, "state space"))

    stateSpace.``to`` torch.float64 |> ignore
    stateSpace

let private sequences (time: int) : torch.Tensor =
    Tensors.uniform (RandomStream(2UL, "u")) -1.0 1.0 [ 2; time; channels ]

let private parameter (stateSpace: DiagonalStateSpace) (name: string) : float[] =
    Tensors.values (Tensors.parameter stateSpace name)

/// One channel's system in .NET's complex numbers, from the parameters and the paper's equations alone.
type private Channel(stateSpace: DiagonalStateSpace, channel: int) =
    let of' (name: string) = parameter stateSpace name |> Array.chunkBySize states |> Array.item channel

    let a =
        Array.map2 (fun decay frequency -> Complex(-exp decay, frequency)) (of' "log_decay") (of' "frequency")

    let step = exp (parameter stateSpace "log_step").[channel]
    /// abar
    member val Turn = a |> Array.map (fun a -> Complex.Exp(step * a))
    /// bbar
    member val Input = a |> Array.map (fun a -> (Complex.Exp(step * a) - Complex.One) / a)
    /// C
    member val Output = Array.map2 (fun re im -> Complex(re, im)) (of' "output_real") (of' "output_imaginary")
    /// D
    member val Skip = (parameter stateSpace "skip").[channel]

let private channelsOf (stateSpace: DiagonalStateSpace) =
    Array.init channels (fun channel -> Channel(stateSpace, channel))

/// The recurrence, one step after the other; outputs `[batch, time, channel]` and last states `[batch, channel, state]`.
let private naive (stateSpace: DiagonalStateSpace) (input: torch.Tensor) (start: Complex) =
    let systems = channelsOf stateSpace

    let runs =
        Tensors.values3 input
        |> Array.map (fun sequence ->
            systems
            |> Array.mapi (fun channel system ->
                let step x (inputs: float[]) =
                    let u = inputs[channel]
                    let next = Array.map3 (fun turn x b -> turn * x + b * u) system.Turn x system.Input
                    let read = Array.map2 (fun (c: Complex) (x: Complex) -> (c * x).Real) system.Output next
                    2.0 * Array.sum read + system.Skip * u, next

                Array.mapFold step (Array.create states start) sequence))

    let outputs = runs |> Array.collect (Array.map fst >> Array.transpose >> Array.concat)
    let last = runs |> Array.collect (Array.collect snd)
    outputs, last

let private distance (tensor: torch.Tensor) (expected: float[]) : float =
    Array.map2 (fun a b -> abs (a - b)) (Tensors.values tensor) expected
    |> Array.max

let private agrees
    (output: torch.Tensor)
    (last: ComplexPair)
    (expected: float[] * Complex[])
    (what: string)
    : unit =
    Expect.isLessThan (distance output (fst expected)) 1e-12 $"outputs, {what}"
    Expect.isLessThan (distance last.Real (snd expected |> Array.map _.Real)) 1e-12 $"real parts, {what}"

    Expect.isLessThan
        (distance last.Imaginary (snd expected |> Array.map _.Imaginary))
        1e-12
        $"imaginary parts, {what}"

let private times = [ 1; 2; 3; 7; 16; 50; 101 ]

let tests =
    testList "DiagonalStateSpace" [
        test "its kernel is the powers of its equation" {
            use scope = torch.NewDisposeScope()
            use stateSpace = fresh ()

            for time in times do
                let expected = [|
                    for system in channelsOf stateSpace do
                        for l in 0 .. time - 1 do
                            2.0
                            * Array.sum (
                                Array.map3
                                    (fun (c: Complex) (turn: Complex) (b: Complex) ->
                                        (c * Complex.Pow(turn, float l) * b).Real)
                                    system.Output
                                    system.Turn
                                    system.Input
                            )
                |]

                let kernel = stateSpace.Kernel(int64 time)
                Expect.equal kernel.shape [| int64 channels; int64 time |] "its shape"
                Expect.isLessThan (distance kernel expected) 1e-12 $"{time} values"
        }

        test "its convolution gives the recurrence's numbers" {
            use scope = torch.NewDisposeScope()
            use stateSpace = fresh ()

            for time in times do
                let u = sequences time
                let expected, _ = naive stateSpace u Complex.Zero
                Expect.isLessThan (distance (stateSpace.forward u) expected) 1e-12 $"{time} steps"
        }

        test "hands its state over between convolution and recurrence, in both directions" {
            use scope = torch.NewDisposeScope()
            use stateSpace = fresh ()
            let start = Complex(0.3, -0.7)
            let shape = [| 2L; int64 channels; int64 states |]

            let begun () =
                ComplexPair(
                    torch.full (shape, start.Real.ToScalar(), torch.float64),
                    torch.full (shape, start.Imaginary.ToScalar(), torch.float64)
                )

            for time in times do
                let u = sequences time
                let expected = naive stateSpace u start
                let struct (output, last) = stateSpace.Run(u, begun ())
                agrees output last expected $"{time} steps at once"

                let half = int64 time / 2L
                let rest = int64 time - half
                let outputs = ResizeArray()
                let mutable state = begun ()

                for step in u.narrow(1L, 0L, half).unbind 1L do
                    let struct (output, next) = stateSpace.Step(step, state)
                    outputs.Add(output.unsqueeze 1L)
                    state <- next

                let struct (output, last) = stateSpace.Run(u.narrow (1L, half, rest), state)
                outputs.Add output
                agrees (torch.cat (outputs, 1L)) last expected $"{half} of {time} steps one by one"
        }

        test "starts as S4D-Lin, with steps that fill their range evenly on a logarithmic scale" {
            use stateSpace = new DiagonalStateSpace(400, 5, 0.001, 0.1, RandomStream(3UL, "start"))
            let decays = parameter stateSpace "log_decay" |> Array.map exp

            Expect.isTrue
                (decays |> Array.forall (fun decay -> abs (decay - 0.5) < 1e-6))
                "real parts of -1/2"

            for frequencies in parameter stateSpace "frequency" |> Array.chunkBySize 5 do
                for n, frequency in Seq.indexed frequencies do
                    Expect.floatClose Accuracy.medium frequency (Math.PI * float n) "imaginary parts of pi n"

            let steps = parameter stateSpace "log_step"
            Expect.isGreaterThanOrEqual (Array.min steps) (log 0.001 - 1e-6) "none below"
            Expect.isLessThanOrEqual (Array.max steps) (log 0.1 + 1e-6) "none above"
            Expect.isLessThan (abs (Array.average steps - log 0.01)) 0.2 "the middle"
        }

        test "keeps its digits over 3000 steps in single precision" {
            use scope = torch.NewDisposeScope()
            use stateSpace = fresh ()
            let u = sequences 3000
            let expected = stateSpace.forward u
            stateSpace.``to`` torch.float32 |> ignore
            let single = stateSpace.forward (u.``to`` torch.float32)
            Expect.isLessThan (Tensors.distance single expected) 1e-3 "rounding only"
        }
    ]

module NtmLab.Tests.Models.Blocks.CausalConvolutionTests

open Expecto
open NtmLab
open NtmLab.Models.Blocks
open NtmLab.Tests
open TorchSharp

let private inputs = 3

/// In double precision, with a bias that is not zero.
let private make (kernel: int) (dilation: int) (weightNorm: bool) : CausalConvolution =
    use noGradient = torch.no_grad ()

    let convolution =
        new CausalConvolution(inputs, 2, kernel, dilation, weightNorm, RandomStream(1UL, "weights"))

    convolution.``to`` torch.float64 |> ignore

    (Tensors.parameter convolution "bias").copy_(Tensors.uniform (RandomStream(2UL, "bias")) -1.0 1.0 [ 2 ])
    |> ignore

    convolution

let private sequences (seed: uint64) (batch: int) (time: int) : torch.Tensor =
    Tensors.uniform (RandomStream(seed, "input")) -1.0 1.0 [ batch; time; inputs ]

let private run (convolution: CausalConvolution) (x: torch.Tensor) : torch.Tensor =
    use noGradient = torch.no_grad ()
    let struct (output, _) = convolution.Run(x, convolution.Start x.shape[0])
    output

let private kinds = [
    for kernel, dilation in [ 2, 1; 3, 2; 5, 1; 2, 9 ] do
        for weightNorm in [ true; false ] -> kernel, dilation, weightNorm
]

let private forEachKind (law: CausalConvolution -> int -> string -> unit) () : unit =
    use scope = torch.NewDisposeScope()

    for kernel, dilation, weightNorm in kinds do
        use convolution = make kernel dilation weightNorm
        law convolution dilation $"kernel {kernel}, dilation {dilation}, weight normalisation {weightNorm}"

let tests =
    testList "CausalConvolution" [
        testCase "equals a plain loop, for sequences shorter and longer than its reach"
        <| forEachKind (fun convolution dilation kind ->
            for time in [ 1; 2; 7; 23 ] do
                let x = sequences 1UL 2 time
                let oracle = CausalConvolutionOracle.read convolution "" dilation

                let wanted =
                    Tensors.values3 x
                    |> Array.map (CausalConvolutionOracle.convolve oracle >> Array.concat)
                    |> Array.concat

                let difference =
                    Array.map2 (fun a b -> abs (a - b)) wanted (Tensors.values (run convolution x))

                Expect.isLessThan (Array.max difference) 1e-12 $"{kind}, {time} steps")

        testCase "goes on from the past that it gave"
        <| forEachKind (fun convolution _ kind ->
            use noGradient = torch.no_grad ()
            let x = sequences 2UL 2 11
            let whole = run convolution x

            for cut in [ 1L; 5L; 10L ] do
                let struct (first, past) = convolution.Run(x.narrow (1L, 0L, cut), convolution.Start 2L)
                let struct (second, _) = convolution.Run(x.narrow (1L, cut, 11L - cut), past)

                Expect.isLessThan
                    (Tensors.distance (torch.cat ([| first; second |], 1L)) whole)
                    1e-12
                    $"{kind}, cut after {cut}")

        test "starts with the same weights with and without weight normalisation" {
            use scope = torch.NewDisposeScope()
            let x = sequences 3UL 2 6

            Expect.isLessThan
                (Tensors.distance (run (make 3 2 true) x) (run (make 3 2 false) x))
                1e-6
                "g is |v|, up to single precision"
        }

        test "does not see how long v is" {
            use scope = torch.NewDisposeScope()
            let convolution = make 3 2 true
            let x = sequences 4UL 2 6
            let before = run convolution x
            use noGradient = torch.no_grad ()
            (Tensors.parameter convolution "weight_v").mul_((7.0).ToScalar()) |> ignore
            Expect.isLessThan (Tensors.distance (run convolution x) before) 1e-12 "only its direction"
        }

        test "draws weights that fill He's range" {
            let range = sqrt (6.0 / (16.0 * 3.0))

            let drawn =
                new CausalConvolution(16, 40, 3, 1, false, RandomStream(1UL, "weights"))
                |> fun convolution -> Tensors.values (Tensors.parameter convolution "weight")

            Expect.isTrue (drawn |> Array.forall (fun x -> abs x <= range + 1e-7)) "none outside"
            Expect.isGreaterThan (drawn |> Array.map abs |> Array.max) (0.99 * range) "up to the ends"
        }
    ]

module NtmLab.Tests.Models.TcnModelTests

open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Models
open NtmLab.Tests.Models.Blocks
open NtmLab.Tests.Samples
open NtmLab.Training
open TorchSharp

let private build (options: TcnOptions) : TcnModel =
    options.Build(inputWidth, outputWidth, RandomStream(1UL, "model")) :?> TcnModel

/// Models that differ in all options; each sees at least six steps.
let private samples: (string * TcnOptions) list = [
    "three blocks of kernel 2", TcnOptions(Channels = 4, Kernel = 2, Blocks = 3)
    "no weight normalisation, dilation base 3",
    TcnOptions(Channels = 5, Kernel = 3, Blocks = 2, DilationBase = 3, WeightNorm = false)
    "one block as wide as the input, without dilation",
    TcnOptions(Channels = inputWidth, Kernel = 4, Blocks = 1, DilationBase = 1)
    "as many blocks as a lag needs", TcnOptions(Channels = 4, Kernel = 3, Lag = 6)
]

let private everyModel =
    testList "every model" [
        for name, options in samples do
            ModelLaws.tests name options
    ]

/// The model's equations in plain loops, `[time][output]` of `[time][input]`.
let private oracle (model: TcnModel) (dilationBase: int) (inputs: float[][]) : float[][] =
    let parameters = dict [ for struct (name, value) in model.named_parameters () -> name, value ]
    let rectify = Array.map (Array.map (max 0.0))

    let affine (path: string) (x: float[][]) =
        let weight = Tensors.values3 (parameters[path + ".weight"].unsqueeze 0L)
        let bias = Tensors.values parameters[path + ".bias"]

        x
        |> Array.map (fun step ->
            Array.map2 (fun row b -> b + Array.sum (Array.map2 (*) row step)) weight[0] bias)

    let block (x: float[][]) (i: int) =
        let convolve name =
            CausalConvolutionOracle.convolve (
                CausalConvolutionOracle.read model $"block_{i}.{name}." (pown dilationBase i)
            )

        let change = x |> convolve "first" |> rectify |> convolve "second" |> rectify

        let kept =
            if parameters.ContainsKey $"block_{i}.residual.weight" then
                affine $"block_{i}.residual" x
            else
                x

        rectify (Array.map2 (Array.map2 (+)) kept change)

    affine "output" (List.fold block inputs [ 0 .. model.Blocks - 1 ])

let private equations =
    testList "equations" [
        for name, options in samples do
            test $"with {name}: equals them in plain loops" {
                use scope = torch.NewDisposeScope()
                use noGradient = torch.no_grad ()
                let model = build options
                stir 2UL model
                model.``to`` torch.float64 |> ignore
                let x = (input 1UL 2 19).``to`` torch.float64

                let wanted =
                    Tensors.values3 x
                    |> Array.map (oracle model options.DilationBase >> Array.concat)
                    |> Array.concat

                let difference = Array.map2 (fun a b -> abs (a - b)) wanted (Tensors.values (model.Forward x))

                Expect.isLessThan (Array.max difference) 1e-10 "every output"
            }
    ]

/// Small stacks of every kind.
type Stack = { Kernel: int; DilationBase: int; Blocks: int; Widens: bool }

/// For FsCheck.
type Arbitraries =
    static member Stack() : Arbitrary<Stack> =
        gen {
            let! kernel = Gen.choose (2, 4)
            let! dilationBase = Gen.choose (1, 2 * kernel - 1)
            let! blocks = Gen.choose (1, 3)
            let! widens = Gen.elements [ true; false ]

            return {
                Kernel = kernel
                DilationBase = dilationBase
                Blocks = blocks
                Widens = widens
            }
        }
        |> Arb.fromGen

let private law (count: int) (name: string) (property: Stack -> unit) : Test =
    testPropertyWithConfig
        {
            FsCheckConfig.defaultConfig with
                arbitrary = [ typeof<Arbitraries> ]
                maxTest = count
        }
        name
        property

let private optionsOf (stack: Stack) : TcnOptions =
    TcnOptions(
        Channels = (if stack.Widens then inputWidth + 1 else inputWidth),
        Kernel = stack.Kernel,
        DilationBase = stack.DilationBase,
        Blocks = stack.Blocks
    )

/// Whether the last output depends on the input so many steps before, for each of these lags. No rectifier cuts a path:
/// parameters and inputs are all positive.
let private seen (model: TcnModel) (lags: int64 list) : bool list =
    use noGradient = torch.no_grad ()
    let time = List.max lags + 1L

    for parameter in model.parameters () do
        parameter.abs_ () |> Tensors.addNumber 0.1

    let last (x: torch.Tensor) = Tensors.bits ((model.Forward x).narrow(1L, time - 1L, 1L))
    let x = torch.ones (1L, time, int64 inputWidth)
    let before = last x

    [
        for lag in lags do
            let other = x.clone ()
            other.narrow(1L, time - 1L - lag, 1L).fill_((1e4).ToScalar()) |> ignore
            last other <> before
    ]

let private receptiveField =
    testList "receptive field" [
        test "is 1 + 2 (kernel - 1) times the sum of dilations" {
            let field options = TcnModel.ReceptiveFieldOf options
            Expect.equal (field (TcnOptions())) (1L + 4L * (1L + 2L + 4L + 8L + 16L + 32L)) "the default, 253"
            Expect.equal (field (TcnOptions(Kernel = 2, Blocks = 1))) 3L "two convolutions of two steps"

            Expect.equal
                (field (TcnOptions(Kernel = 5, Blocks = 3, DilationBase = 4)))
                (1L + 8L * 21L)
                "1, 4, 16"

            Expect.equal
                (field (TcnOptions(Kernel = 3, Blocks = 10, DilationBase = 1)))
                41L
                "without dilation"
        }

        law 20 "an output depends on every step in it and on none before it" (fun stack ->
            use scope = torch.NewDisposeScope()
            let model = build (optionsOf stack)
            let field = model.ReceptiveField
            // All lags near both ends, and some between.
            let lags = [ 0L .. max 1L (field / 30L) .. field - 1L ] @ [ field - 2L; field - 1L ]
            let outside = [ field; field + 1L; 2L * field ]

            Expect.equal
                (seen model (lags @ outside))
                [ yield! List.map (fun _ -> true) lags; yield! List.map (fun _ -> false) outside ]
                $"a field of {field} steps")

        law 100 "a lag takes the fewest blocks that exceed it" (fun stack ->
            for lag in [ 1; 2; 3; 17; 100; 1000; 12345 ] do
                let options blocks lag =
                    TcnOptions(
                        Channels = 1,
                        Kernel = stack.Kernel,
                        DilationBase = max 2 stack.DilationBase,
                        Blocks = blocks,
                        Lag = lag
                    )

                let field blocks = TcnModel.ReceptiveFieldOf(options blocks 0)
                let model = build (options 0 lag)
                Expect.equal model.ReceptiveField (field model.Blocks) "as if so many were asked for"
                Expect.isGreaterThan model.ReceptiveField (int64 lag) "it is covered"

                if model.Blocks > 1 then
                    Expect.isLessThanOrEqual (field (model.Blocks - 1)) (int64 lag) "one less would not do")

        test "without a lag and a number of blocks, there are six" {
            Expect.equal (build (TcnOptions())).Blocks 6 "as without options"
        }

        test "blocks beyond what a lag needs are kept" {
            Expect.equal (build (TcnOptions(Blocks = 5, Lag = 3))).Blocks 5 "as asked for"
        }
    ]

/// The fewest hops to each lag that can be reached, by following every tap of every convolution.
let private shortestPaths (stack: Stack) : Map<int64, int64> =
    let keepLeast (paths: (int64 * int64) seq) =
        paths
        |> Seq.groupBy fst
        |> Seq.map (fun (lag, found) -> lag, found |> Seq.map snd |> Seq.min)
        |> Map

    let convolve (dilation: int) (paths: Map<int64, int64>) =
        keepLeast [
            for KeyValue(lag, hops) in paths do
                for tap in 0 .. stack.Kernel - 1 -> lag + int64 (tap * dilation), hops + 1L
        ]

    let block (paths: Map<int64, int64>) (i: int) =
        let dilation = pown stack.DilationBase i
        let around = if i = 0 && stack.Widens then 1L else 0L

        keepLeast [
            for KeyValue(lag, hops) in paths -> lag, hops + around
            yield! paths |> convolve dilation |> convolve dilation |> Map.toSeq
        ]

    List.fold block (Map [ 0L, 0L ]) [ 0 .. stack.Blocks - 1 ]
    |> Map.map (fun _ hops -> hops + 1L)

let private cost =
    testList "cost" [
        law
            40
            "the path to every lag is the shortest, and beyond the receptive field there is none"
            (fun stack ->
                let model = build (optionsOf stack)
                let shortest = shortestPaths stack

                for lag in 0L .. model.ReceptiveField + 3L do
                    Expect.equal
                        (model.PathLength lag)
                        (shortest |> Map.tryFind lag |> Option.defaultValue SequenceModel.NoPath)
                        $"lag {lag} of {model.ReceptiveField}")

        test "a signal passes few layers to a lag that one dilation makes" {
            let model = build (TcnOptions())

            Expect.equal
                [ for lag in [ 0L; 1L; 3L; 128L; 131L; 252L ] -> model.PathLength lag ]
                [
                    2L // the first block's 1x1 convolution, the output layer
                    3L // the first block, the output layer
                    3L // as 1 and 2 steps in the first block
                    4L // past the first block, four dilations of 32 in the last
                    5L // 3 steps in the first block, 128 in the last
                    13L // every block
                ]
                "by hand"
        }

        test "sizes are those of the equations" {
            let model = build (TcnOptions(Channels = 7, Kernel = 4, Blocks = 2, DilationBase = 3))
            let first, others = 4 * inputWidth * 7, 3 * (4 * 7 * 7)
            let products = first + others + inputWidth * 7 + 7 * outputWidth
            Expect.equal model.MultiplyAddsPerStep (int64 products) "weights of a step"
            let lengths, biases = 4 * 7, 4 * 7 + 7 + outputWidth
            Expect.equal model.ParameterCount (int64 (products + lengths + biases)) "and g and b"
            Expect.equal model.StateSize (int64 (3 * inputWidth + 3 * 7 + 2 * (9 * 7))) "past steps of each"
        }
    ]

let private faults =
    testList "faults" [
        for words, options in
            [
                [ "model.channels"; "0"; "1 or more" ], TcnOptions(Channels = 0)
                [ "model.kernel"; "1"; "2 to" ], TcnOptions(Kernel = 1)
                [ "model.dilationBase"; "0"; "1 to 5" ], TcnOptions(DilationBase = 0)
                // Steps between would never be seen.
                [ "model.dilationBase"; "6"; "1 to 5" ], TcnOptions(Kernel = 3, DilationBase = 6)
                [ "model.blocks"; "-1"; "0 or more" ], TcnOptions(Blocks = -1)
                [ "model.lag"; "-1"; "0 to" ], TcnOptions(Lag = -1)
                [
                    "model.blocks"
                    "kernel 3"
                    "29 steps"
                    "lag of 100"
                    "5 or more blocks"
                    "kernel of 9 or more"
                ],
                TcnOptions(Blocks = 3, Lag = 100)
                [ "model.blocks"; "29 steps"; "lag of 29"; "4 or more blocks"; "kernel of 4 or more" ],
                TcnOptions(Blocks = 3, Lag = 29)
                [ "model.blocks"; "40 blocks"; "100000000 steps"; "at most 24" ], TcnOptions(Blocks = 40)
                [ "model.lag"; "100000000 steps"; "at most 8" ],
                TcnOptions(Kernel = 5, DilationBase = 9, Lag = 99_999_999)
            ] do
            test (String.concat ", " words) {
                Faults.says<ConfigurationException> words (fun () -> build options |> ignore)
                Faults.says<ConfigurationException> words (fun () -> options.Validate())
            }

        test "what is said to cover a lag does, and less does not" {
            let field blocks kernel = TcnModel.ReceptiveFieldOf(TcnOptions(Blocks = blocks, Kernel = kernel))
            Expect.isGreaterThan (field 5 3) 100L "5 blocks"
            Expect.isLessThanOrEqual (field 4 3) 100L "4 blocks"
            Expect.isGreaterThan (field 3 9) 100L "a kernel of 9"
            Expect.isLessThanOrEqual (field 3 8) 100L "a kernel of 8"
        }
    ]

let private learning =
    ModelLaws.learns (TcnOptions(Channels = 16, Lag = 6)) 20_000L (RmsPropOptions(LearningRate = 3e-3))

let tests = testList "TcnModel" [ everyModel; equations; receptiveField; cost; faults; learning ]

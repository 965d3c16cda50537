module NtmLab.Tests.Models.HierarchicalAttentionModelTests

open System.Collections.Generic
open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Models.Blocks
open NtmLab.Tests
open NtmLab.Tests.Models.HierarchicalAttentionOracle
open NtmLab.Tests.Samples
open NtmLab.Training
open TorchSharp

let private options window levels overlap beyond =
    HierarchicalAttentionOptions(
        Window = window,
        Levels = levels,
        Overlap = overlap,
        Beyond = beyond,
        Heads = 2,
        Width = 4,
        Hidden = 3
    )

/// Small windows of every kind, so that few steps pass many borders.
let private many = [
    for window in [ 2; 3; 4 ] do
        for levels in [ 1; 2; 3 ] do
            for overlap in List.distinct [ 0; 1; window - 1; window ] do
                options window levels overlap BeyondReach.AddLevel
]

let private name (options: HierarchicalAttentionOptions) =
    $"window {options.Window}, levels {options.Levels}, overlap {options.Overlap}, {options.Beyond}"

let private forEach (sentence: string) (all: HierarchicalAttentionOptions list) check = test sentence {
    for options in all do
        use scope = torch.NewDisposeScope()
        use noGradient = torch.no_grad ()
        let model = options.Build(inputWidth, outputWidth, RandomStream(1UL, "model"))
        stir 2UL model
        model.``to`` torch.float64 |> ignore
        check options model (name options)
}

let private sequences (batch: int) (time: int) : torch.Tensor =
    Tensors.uniform (RandomStream(3UL, "input")) -1.0 1.0 [ batch; time; inputWidth ]

let private stepping (model: SequenceModel) (input: torch.Tensor) : torch.Tensor =
    let mutable state = model.InitialState input.shape[0]

    let logits = [|
        for step in input.unbind 1L do
            let struct (logits, next) = model.Step(step, state)
            state <- next
            logits
    |]

    torch.stack (logits, 1L)

/// Several blocks of level 2, the last of them begun.
let private several (options: HierarchicalAttentionOptions) : int =
    2 * pown options.Window 2 + options.Window + 1

/// The allowed lengths at which something begins or ends.
let private lengths (options: HierarchicalAttentionOptions) : int list =
    let w, reach = options.Window, pown options.Window options.Levels

    [ 1; w - 1; w; w + 1; 2 * w + 1; reach - 1; reach; reach + 1; 2 * reach + w + 1 ]
    |> List.distinct
    |> List.filter (fun time -> options.Beyond = BeyondReach.AddLevel || time <= reach)

let private equalsLoop (options: HierarchicalAttentionOptions) (model: SequenceModel) (time: int) : unit =
    use scope = torch.NewDisposeScope()
    let x = sequences 1 time
    let loop = logits options model (Array.head (Tensors.values3 x)) |> Array.concat
    let loop = torch.tensor (loop, 1L, int64 time, int64 outputWidth)
    Expect.isLessThan (Tensors.distance (model.Forward x) loop) 1e-10 $"{name options}, {time} steps at once"
    Expect.isLessThan (Tensors.distance (stepping model x) loop) 1e-10 $"{name options}, {time} single steps"

let private numbers =
    testList "numbers" [
        forEach
            "equal a loop over steps with lists of what each sees, at once and step by step"
            many
            (fun options model _ -> equalsLoop options model (several options))

        forEach
            "equal the loop at every length at which a block begins or ends"
            [
                options 3 2 0 BeyondReach.AddLevel
                options 3 2 2 BeyondReach.AddLevel
                options 4 1 1 BeyondReach.AddLevel
                options 2 3 1 BeyondReach.AddLevel
                options 3 3 3 BeyondReach.AddLevel
                options 3 2 0 BeyondReach.Error
                options 4 1 1 BeyondReach.Error
                options 3 3 2 BeyondReach.Error
            ]
            (fun options model _ -> List.iter (equalsLoop options model) (lengths options))

        forEach
            "of a step depend on its input and every earlier one, and on no later one"
            many
            (fun options model name ->
                let time = int64 (several options)
                let x = (sequences 1 (int time)).expand(time, -1L, -1L).contiguous()
                // Sequence s of the batch is changed at step s.
                let changed = x + torch.eye(time, dtype = torch.float64).unsqueeze -1L
                let change = (model.Forward changed - model.Forward x).abs().amax -1L
                let earlier = torch.ones(time, time, dtype = torch.bool).triu()
                let past = change.masked_select earlier
                let future = change.masked_select (earlier.logical_not ())
                Expect.equal (future.max().ToDouble()) 0.0 $"{name}: the future"
                Expect.isGreaterThan (past.min().ToDouble()) 1e-13 $"{name}: the past")
    ]

/// A layer of one step or block.
type private Layer =
    | Input of step: int
    | Encoder of step: int
    | Summary of level: int * block: int
    | Reading of level: int * step: int
    | Output of step: int

/// What each layer's output goes into, in a sequence of some steps.
let private layers (options: HierarchicalAttentionOptions) (time: int) : Map<Layer, Layer list> =
    let child level number =
        if level = 1 then
            Encoder number
        else
            Summary(level - 1, number)

    [
        for t in 0 .. time - 1 do
            Input t, Encoder t
            Encoder t, Output t

            for level in levelsAt options t do
                let seen = seenAt options level t
                Reading(level, t), Output t

                for number in seen.Before @ seen.Own do
                    child level number, Reading(level, t)

                for higher in levelsAt options t do
                    if higher > level then
                        Reading(level, t), Reading(higher, t)

                let size = pown options.Window (level - 1)

                if t % size = 0 then
                    child level (t / size), Summary(level, t / size / options.Window)
    ]
    |> List.groupBy fst
    |> List.map (fun (from, edges) -> from, List.map snd edges)
    |> Map.ofList

/// The fewest layers from one on, by breadth-first search.
let private hops (graph: Map<Layer, Layer list>) (start: Layer) : Dictionary<Layer, int> =
    let distances = Dictionary [ KeyValuePair(start, 0) ]
    let waiting = Queue [ start ]

    while waiting.Count > 0 do
        let layer = waiting.Dequeue()

        for next in graph |> Map.tryFind layer |> Option.defaultValue [] do
            if distances.TryAdd(next, distances[layer] + 1) then
                waiting.Enqueue next

    distances

/// The longest of the shortest paths over each lag, wherever its two steps lie in a sequence.
let private worst (options: HierarchicalAttentionOptions) (time: int) : int list =
    let graph = layers options time
    let from = [| for t in 0 .. time - 1 -> hops graph (Input t) |]

    [
        for lag in 0 .. time - 1 -> List.max [ for t in 0 .. time - 1 - lag -> from[t][Output(t + lag)] ]
    ]

let private paths =
    testList "paths" [
        forEach
            "are the worst cases of a search through the graph of all layers"
            many
            (fun options model name ->
                let reach = pown options.Window options.Levels
                let inReach = worst options reach

                let beyond =
                    if reach > 16 then
                        []
                    else
                        worst options (reach * options.Window)

                let expected = inReach @ List.skip (min reach beyond.Length) beyond
                let lengths = [ for lag in 0 .. expected.Length - 1 -> int (model.PathLength(int64 lag)) ]
                Expect.equal lengths expected name)

        test "go through ten thousand steps in four layers, and with an overlap grow with the logarithm" {
            let lengths (options: HierarchicalAttentionOptions) =
                let model = options.Build(inputWidth, outputWidth, RandomStream(1UL, "model"))

                [
                    for lag in [ 0L; 1L; 100L; 101L; 9999L; 10_000L; 10_001L; 1_000_001L ] ->
                        model.PathLength lag
                ]

            Expect.equal
                (lengths (HierarchicalAttentionOptions()))
                [ 2L; 4L; 4L; 4L; 4L; 5L; 5L; 6L ]
                "without"

            Expect.equal
                (lengths (HierarchicalAttentionOptions(Overlap = 1)))
                [ 2L; 3L; 4L; 4L; 4L; 5L; 5L; 6L ]
                "one step"

            Expect.equal
                (lengths (HierarchicalAttentionOptions(Overlap = 100)))
                [ 2L; 3L; 3L; 4L; 4L; 4L; 5L; 6L ]
                "a window"
        }
    ]

let private sizes =
    testList "sizes" [
        forEach "costs what the steps of a block cost in the mean" many (fun options model name ->
            let w, width = options.Window, options.Width
            let projection = width * width
            let feedForward = 2 * width * options.Hidden
            let block = pown w options.Levels

            let step t = [
                inputWidth * width + feedForward + width * outputWidth

                for level in 1 .. options.Levels do
                    let seen = seenAt options level t
                    2 * projection + feedForward // query and output
                    2 * width * (1 + seen.Before.Length + seen.Own.Length) // with the slot of nothing

                    if t % pown w (level - 1) = 0 then
                        2 * projection // a child's key and value

                        if level < options.Levels then
                            2 * options.Heads * width // its part of the summary

                    if t % pown w level = 0 && options.Overlap > 0 then
                        2 * projection // what marks a child of the block before, its key and value

                    if level < options.Levels && t % pown w level = 0 then
                        options.Heads * projection + feedForward // the summary
            ]

            let mean = List.averageBy (step >> List.sum >> float) [ block .. 2 * block - 1 ]
            Expect.equal model.MultiplyAddsPerStep (int64 (round mean)) name)

        forEach
            "counts of a sequence what its steps see and its blocks complete"
            (options 3 3 2 BeyondReach.Error :: many)
            (fun options model name ->
                let w, width = int64 options.Window, options.Width
                let projection = width * width
                let feedForward = 2 * width * options.Hidden

                let depth =
                    if options.Beyond = BeyondReach.Error then
                        options.Levels
                    else
                        Seq.initInfinite id
                        |> Seq.find (fun level -> pown w level >= TimeTree.LongestStream)

                let step t = [
                    inputWidth * width + feedForward + width * outputWidth

                    for level in levelsAt options t do
                        let seen = seenAt options level t
                        2 * projection + feedForward
                        2 * width * (1 + seen.Before.Length + seen.Own.Length)

                    for level in 1..depth do
                        if (int64 t + 1L) % pown w (level - 1) = 0L then
                            2 * projection // the child that is complete, its key and value

                        if level < depth && (int64 t + 1L) % pown w level = 0L then
                            options.Window * 2 * options.Heads * width
                            + options.Heads * projection
                            + feedForward

                            if options.Overlap > 0 then
                                2 * projection
                ]

                for steps in [ 0; 1; 2; 5; 8; 9; 10; 26; 27 ] do
                    if int64 steps <= pown w depth then
                        let sum = Seq.sum (seq { for t in 0 .. steps - 1 -> List.sum (step t) })
                        Expect.equal (model.MultiplyAdds steps) (int64 sum) $"{name}, {steps} steps")

        forEach "gives every parameter a gradient, be it 0, from a single step" many (fun _ model name ->
            use gradients = torch.enable_grad ()
            model.Forward(sequences 1 1).sum().backward()

            for parameter, value in GradientCheck.parameters model do
                Expect.isFalse (isNull value.grad) $"{name}: {parameter}")

        test "levels that a sequence adds bring no parameters, and change nothing within reach" {
            use scope = torch.NewDisposeScope()

            let build beyond =
                (options 3 2 0 beyond).Build(inputWidth, outputWidth, RandomStream(1UL, "model"))

            let fixedLevels, growing = build BeyondReach.Error, build BeyondReach.AddLevel
            let x = input 1UL 2 9
            Expect.equal growing.ParameterCount fixedLevels.ParameterCount "parameters"
            Expect.equal (Tensors.bits (growing.Forward x)) (Tensors.bits (fixedLevels.Forward x)) "outputs"
        }

        test "a stream holds the buffers of as many levels as a thousand million steps need" {
            let build beyond =
                HierarchicalAttentionOptions(Overlap = 7, Beyond = beyond)
                    .Build(inputWidth, outputWidth, RandomStream(1UL, "model"))
                :?> HierarchicalAttentionModel

            let growing, fixedLevels = build BeyondReach.AddLevel, build BeyondReach.Error
            Expect.equal growing.Reach 10_000_000_000L "100^5"

            Expect.equal
                growing.StateSize
                (1L + 64L * (5L * 2L * 107L + 4L * 100L))
                "the count of steps; keys, values; children below the top"

            Expect.equal fixedLevels.Reach 10_000L "100^2"

            Expect.equal
                fixedLevels.StateSize
                (1L + 64L * (2L * 107L + 2L * 100L + 100L))
                "no block before at the top"
        }
    ]

let private faults =
    testList "faults" [
        test "a sequence or stream beyond the reach is refused, and no path goes as far" {
            use scope = torch.NewDisposeScope()

            let model =
                (options 3 2 1 BeyondReach.Error).Build(inputWidth, outputWidth, RandomStream(1UL, "model"))

            let says =
                Faults.says<ShapeException> [
                    "hierarchical-attention"
                    "T = 10"
                    "window 3"
                    "2 levels"
                    "= 9"
                ]

            Expect.equal (model.Forward(input 1UL 1 9)).shape[1] 9L "as long as allowed"
            says (fun () -> model.Forward(input 1UL 1 10) |> ignore)
            says (fun () -> model.Run(input 1UL 1 10, model.InitialState 1L) |> ignore)
            Expect.equal [ model.PathLength 8L; model.PathLength 9L ] [ 4L; System.Int64.MaxValue ] "no path"
        }

        test "options out of range are refused" {
            let refused words (options: HierarchicalAttentionOptions) =
                Faults.says<ConfigurationException> words (fun () ->
                    options.Build(inputWidth, outputWidth, RandomStream(1UL, "model")) |> ignore)

            refused [ "model.window"; "1"; "2 or more" ] (HierarchicalAttentionOptions(Window = 1))
            refused [ "model.levels"; "0"; "1 to 30" ] (HierarchicalAttentionOptions(Levels = 0))
            refused [ "model.levels"; "31"; "1 to 30" ] (HierarchicalAttentionOptions(Levels = 31))
            refused [ "model.heads"; "0"; "1 or more" ] (HierarchicalAttentionOptions(Heads = 0))
            refused [ "model.width"; "64"; "5 heads" ] (HierarchicalAttentionOptions(Heads = 5))
            refused [ "model.width"; "0"; "1 or more" ] (HierarchicalAttentionOptions(Width = 0))
            refused [ "model.hidden"; "-1"; "0 or more" ] (HierarchicalAttentionOptions(Hidden = -1))
            refused [ "model.overlap"; "101"; "0 to 100" ] (HierarchicalAttentionOptions(Overlap = 101))
            refused [ "model.overlap"; "-1"; "0 to 100" ] (HierarchicalAttentionOptions(Overlap = -1))
        }
    ]

let private samples = [
    "windows of three", options 3 2 0 BeyondReach.AddLevel
    "windows of two that overlap, three levels", options 2 3 1 BeyondReach.AddLevel
    "one level that grows", options 3 1 3 BeyondReach.AddLevel
    "two levels and no more",
    HierarchicalAttentionOptions(Window = 4, Heads = 1, Width = 3, Overlap = 2, Beyond = BeyondReach.Error)
]

let tests =
    testList "HierarchicalAttentionModel" [
        for name, options in samples do
            ModelLaws.tests name options

        for name, options in
            [
                "one window", HierarchicalAttentionOptions(Width = 16)
                "several windows", HierarchicalAttentionOptions(Width = 16, Window = 4, Overlap = 2)
            ] do
            testList name [ ModelLaws.learns options 20_000L (RmsPropOptions(LearningRate = 1e-3)) ]

        numbers
        paths
        sizes
        faults
    ]

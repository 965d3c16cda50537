module NtmLab.Tests.Memory.KeepingPolicyTests

open System
open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Memory.KeepingOracle
open TorchSharp

let private width = 2
let private inputWidth = 3
let private steps = 12

/// A policy at a small size, given its read heads, how many values it wants beside keys, key strengths and the offered vector, and
/// its oracle.
type private Known = {
    Name: string
    Options: int -> MemoryModelOptions
    More: int
    Step: Offer -> State -> State
}

let private known: Known list = [
    {
        Name = "fifo"
        Options = fun heads -> FifoOptions(Slots = 5, Width = width, ReadHeads = heads)
        More = 0
        Step = fifo 5
    }
    {
        Name = "reservoir"
        Options = fun heads -> ReservoirOptions(Slots = 4, Width = width, ReadHeads = heads)
        More = 0
        Step = reservoir 4
    }
    {
        Name = "keep-all"
        Options = fun heads -> KeepAllOptions(Width = width, ReadHeads = heads)
        More = 0
        Step = keepAll
    }
    for repeats in [ Repeats.Merge; Repeats.Skip ] do
        {
            Name = $"keep-novel, {repeats}"
            Options =
                fun heads ->
                    KeepNovelOptions(
                        Slots = 3,
                        Width = width,
                        ReadHeads = heads,
                        Threshold = 0.8,
                        Repeats = repeats
                    )
            More = 0
            Step = keepNovel 3 0.8 (repeats = Repeats.Merge)
        }
    {
        Name = "learned-gate"
        Options =
            fun heads ->
                LearnedGateOptions(Slots = 4, Width = width, ReadHeads = heads, Threshold = 0.4, Price = 0.5)
        More = 2
        Step = gated 4 0.4 0.5 Int32.MaxValue
    }
    {
        Name = "budgeted"
        Options =
            fun heads ->
                BudgetedOptions(
                    Slots = 4,
                    Width = width,
                    ReadHeads = heads,
                    Threshold = 0.4,
                    Price = 0.5,
                    Budget = 3
                )
        More = 2
        Step = gated 4 0.4 0.5 3
    }
    {
        Name = "surprise"
        Options =
            fun heads ->
                SurpriseOptions(
                    Slots = 4,
                    Width = width,
                    ReadHeads = heads,
                    Threshold = 0.9,
                    Sharpness = 3.0,
                    PredictionWeight = 0.5
                )
        More = inputWidth
        Step = surprise 4 0.9 3.0 0.5
    }
]

let private close (a: float) (b: float) (what: string) : unit =
    Expect.isLessThan (abs (a - b)) 1e-9 $"{what}: {a:R} and {b:R}"

/// Plays a policy and its oracle on the same values, and compares all that they hold and read after each step.
let private compare (policy: Known) (heads: int) (sequences: int) : unit =
    use scope = torch.NewDisposeScope()
    let random = RandomStream(uint64 sequences, $"keeping with {heads} heads")
    let options = policy.Options heads
    use real = options.BuildPolicy inputWidth
    let slots = if real.Grows then 0 else options.Slots
    let first = torch.zeros (int64 sequences, int64 slots, int64 width, torch.float64)
    let mutable carried = first, real.Start first
    let mutable oracle = Array.init sequences (fun _ -> start inputWidth)

    for step in 1..steps do
        let values = Tensors.uniform random -2.0 2.0 [ sequences; real.InterfaceSize ]
        let inputs = Tensors.uniform random -1.0 1.0 [ sequences; inputWidth ]
        let memory, state = carried
        let write, read, next = PolicyStep.take real values (memory, real.Observe(inputs, state))
        carried <- next
        let said, seen = Tensors.values2 values, Tensors.values2 inputs
        let places = Tensors.values3 write.Weighting
        let offer, more = heads * width + heads, heads * width + heads + width

        oracle <-
            oracle
            |> Array.mapi (fun i ->
                policy.Step {
                    Vector = said[i][offer .. more - 1] |> Array.map tanh
                    Input = seen[i]
                    More = said[i][more .. more + policy.More - 1]
                    Drawn = places[i][0] |> Array.tryFindIndex (fun weight -> weight > 0.0)
                })

        let strengths = Tensors.values2 ((snd carried :?> NamedState)[NamedState.StrengthName])
        let contents = Tensors.values3 (fst carried)
        let weightings = Tensors.values3 read.Weighting

        let used =
            match (snd carried).SlotsUsed with
            | null -> failtest "slots are counted"
            | used -> Tensors.values used

        for i in 0 .. sequences - 1 do
            let where = $"{heads} heads, {sequences} sequences, step {step}, sequence {i}"
            Expect.equal used[i] (float oracle[i].Slots.Count) $"slots used, {where}"

            strengths[i]
            |> Array.iteri (fun index strength ->
                let wanted = oracle[i].Slots |> Map.tryFind index |> Option.map _.Strength
                close strength (Option.defaultValue 0.0 wanted) $"strength of slot {index}, {where}")

            for KeyValue(index, slot) in oracle[i].Slots do
                let content = contents[i][index]
                Array.iter2 (fun a b -> close a b $"content of slot {index}, {where}") content slot.Vector

            match (snd carried).Price with
            | null -> Expect.equal oracle[i].Price 0.0 "no price"
            | price -> close (Tensors.values price).[i] oracle[i].Price $"price, {where}"

            for head in 0 .. heads - 1 do
                let key = said[i][head * width .. (head + 1) * width - 1] |> Array.map tanh
                let keyStrength = said[i][heads * width + head]
                let wanted = KeepingOracle.read key keyStrength oracle[i]

                weightings[i][head]
                |> Array.iteri (fun slot weight ->
                    let expected = Map.tryFind slot wanted |> Option.defaultValue 0.0
                    close weight expected $"weight of slot {slot}, head {head}, {where}")

let private asLoops (policy: Known) =
    test $"{policy.Name}: slots, strengths, reads and price are those of plain loops over many steps" {
        for heads in 1..3 do
            for sequences in 1..4 do
                compare policy heads sequences
    }

/// Offers numbers to a reservoir, one in each step of sequences that differ in their inputs; gives those in the slots at the end.
let private samples (seeds: int list) (slots: int) (offers: int) : int list list =
    use scope = torch.NewDisposeScope()
    use noGradient = torch.no_grad ()
    use policy = (ReservoirOptions(Slots = slots, Width = 1)).BuildPolicy 1
    let batch = int64 seeds.Length
    let first = torch.zeros (batch, int64 slots, 1L, torch.float64)
    let input = torch.tensor ([| for seed in seeds -> float seed |], batch, 1L)
    let mutable carried = first, policy.Start first

    for number in 1..offers do
        let offer = [| 1.0; 0.0; Math.Atanh(float number / 100.0) |]

        let values =
            torch.tensor (
                [|
                    for _ in seeds do
                        yield! offer
                |],
                batch,
                3L
            )

        let memory, state = carried
        let _, _, next = PolicyStep.take policy values (memory, policy.Observe(input, state))
        carried <- next

    [
        for rows in Tensors.values3 (fst carried) -> [ for row in rows -> int (Math.Round(100.0 * row[0])) ]
    ]

let private sample (seed: int) (slots: int) (offers: int) : int list =
    samples [ seed ] slots offers |> List.head

let private reservoir =
    testList "reservoir" [
        test "keeps the first vectors as long as there are slots for them" {
            Expect.equal (sample 1 5 5) [ 1; 2; 3; 4; 5 ] "in their order"
        }

        test "keeps each vector equally often" {
            [ for seed in 1..400 -> sample seed 3 9 ]
            |> List.concat
            |> List.map (fun number -> number - 1)
            |> ChiSquare.count 9
            |> ChiSquare.isUniform
        }

        test "samples a sequence by its own inputs" {
            Expect.equal (sample 7 3 30) (sample 7 3 30) "the same inputs"
            Expect.notEqual (sample 7 3 30) (sample 8 3 30) "other inputs"
        }

        test "samples a sequence among others as it does alone" {
            let seeds = [ 3; 8; 1; 8 ]

            Expect.equal
                (samples seeds 3 30)
                [ for seed in seeds -> sample seed 3 30 ]
                "whatever its neighbours"
        }
    ]

/// The slots after vectors of two values were offered, each with what else the controller says; keys are zero.
let private after (options: MemoryModelOptions) (offers: (float * float * float list) list) : float[][] =
    use scope = torch.NewDisposeScope()
    use policy = options.BuildPolicy inputWidth
    let slots = if policy.Grows then 0 else options.Slots
    let first = torch.zeros (1L, int64 slots, 2L, torch.float64)
    let mutable carried = first, policy.Start first

    for x, y, more in offers do
        let said = [| 0.0; 0.0; 0.0; Math.Atanh x; Math.Atanh y; yield! more |]
        let values = torch.tensor (said, 1L, int64 said.Length)
        let _, _, next = PolicyStep.take policy values carried
        carried <- next

    (Tensors.values3 (fst carried))[0]

/// The same of a policy that wants nothing else.
let private novel (options: KeepNovelOptions) (offers: (float * float) list) : float[][] =
    after options [ for x, y in offers -> x, y, [] ]

let private near (rows: float list list) (actual: float[][]) : unit =
    Expect.equal actual.Length rows.Length "slots"

    for row, got in Seq.zip rows actual do
        List.iteri (fun i x -> close got[i] x "content") row

let private drawn =
    testList "drawn" [
        // offered    (0.1, 0)   (0.2, 0)   (0.3, 0)   (0.4, 0)   (0.5, 0)
        // slot 0      0.1        0.1        0.1        0.4        0.4
        // slot 1                 0.2        0.2        0.2        0.5
        // slot 2                            0.3        0.3        0.3
        test "fifo begins again at its first slot when all are taken" {
            after (FifoOptions(Width = 2, Slots = 3)) [ for x in [ 0.1; 0.2; 0.3; 0.4; 0.5 ] -> x, 0.0, [] ]
            |> near [ [ 0.4; 0.0 ]; [ 0.5; 0.0 ]; [ 0.3; 0.0 ] ]
        }

        // gate        open       shut       open       open
        // offered    (0.1, 0)   (0.2, 0)   (0.3, 0)   (0.4, 0)
        // slot 0      0.1        0.1        0.1        0.1
        // slot 1                            0.3        0.3       a budget of two
        test "a budget counts what is saved, and once it is spent nothing more is" {
            let opened, shut = [ PolicyStep.opened; 0.0 ], [ PolicyStep.closed; 0.0 ]

            after (BudgetedOptions(Width = 2, Slots = 4, Budget = 2)) [
                0.1, 0.0, opened
                0.2, 0.0, shut
                0.3, 0.0, opened
                0.4, 0.0, opened
            ]
            |> near [ [ 0.1; 0.0 ]; [ 0.3; 0.0 ] ]
        }

        // offered    (0.8, 0)   (0, 0.6)   (0.4, 0)   (0.6, 0)
        // slot 0      0.8        0.8        0.6        0.6       the mean of three
        // slot 1                 0 0.6      0 0.6      0 0.6
        test "keep-novel merges what repeats into the mean of its slot" {
            novel (KeepNovelOptions(Width = 2, Slots = 9)) [ 0.8, 0.0; 0.0, 0.6; 0.4, 0.0; 0.6, 0.0 ]
            |> near [ [ 0.6; 0.0 ]; [ 0.0; 0.6 ] ]
        }

        // offered    (0.6, 0)   (0, 0.6)   (0.5, 0.5)
        // slot 0      0.6        0.6        0.55 0.25   as similar as slot 1
        // slot 1                 0 0.6      0 0.6
        test "keep-novel merges what is as similar to several slots into the first of them" {
            novel (KeepNovelOptions(Width = 2, Slots = 9, Threshold = 0.5)) [ 0.6, 0.0; 0.0, 0.6; 0.5, 0.5 ]
            |> near [ [ 0.55; 0.25 ]; [ 0.0; 0.6 ] ]
        }

        test "keep-novel can drop what repeats" {
            novel (KeepNovelOptions(Width = 2, Slots = 9, Repeats = Repeats.Skip)) [ 0.8, 0.0; 0.4, 0.0 ]
            |> near [ [ 0.8; 0.0 ] ]
        }

        test "keep-novel at its capacity gives up the oldest" {
            novel (KeepNovelOptions(Width = 2, Slots = 2)) [ 0.8, 0.0; 0.0, 0.6; -0.5, 0.0 ]
            |> near [ [ -0.5; 0.0 ]; [ 0.0; 0.6 ] ]
        }

        test "keep-novel with a threshold of 1 keeps all, and with -1 the first alone" {
            let offers = [ 0.8, 0.1; 0.8, 0.1; 0.2, 0.3 ]

            Expect.equal
                (novel (KeepNovelOptions(Width = 2, Threshold = 1.0)) offers).Length
                3
                "none is above 1"

            Expect.equal
                (novel (KeepNovelOptions(Width = 2, Threshold = -1.0)) offers).Length
                1
                "all are above -1"
        }
    ]

let private refused =
    testList "refused" [
        for threshold, text in [ 1.01, "1.01"; -1.5, "-1.5"; nan, "NaN" ] do
            test $"keep-novel: a threshold of {text} is refused" {
                Faults.says<ConfigurationException> [ "model.threshold"; text; "from -1 to 1" ] (fun () ->
                    KeepNovelOptions(Threshold = threshold).Validate())
            }

        for name, words, options in
            [
                "a budget beyond the slots",
                [ "model.budget"; "9"; "1 to 8" ],
                BudgetedOptions(Slots = 8, Budget = 9) :> MemoryModelOptions
                "no budget", [ "model.budget"; "0" ], BudgetedOptions(Budget = 0)
                "a gate's threshold of 1",
                [ "model.threshold"; "1"; "less than 1" ],
                LearnedGateOptions(Threshold = 1.0)
                "a gate that starts shut", [ "model.initialGate"; "0" ], LearnedGateOptions(InitialGate = 0.0)
                "a negative price", [ "model.price"; "-1" ], LearnedGateOptions(Price = -1.0)
                "a negative surprise", [ "model.threshold"; "-1" ], SurpriseOptions(Threshold = -1.0)
                "no sharpness", [ "model.sharpness"; "0" ], SurpriseOptions(Sharpness = 0.0)
                "a negative weight", [ "model.predictionWeight" ], SurpriseOptions(PredictionWeight = -0.1)
                "no key strength", [ "model.initialKeyStrength"; "0" ], FifoOptions(InitialKeyStrength = 0.0)
            ] do
            test $"{name} is refused" {
                Faults.says<ConfigurationException> words (fun () -> options.Validate())
            }

        test "a memory that keeps all says when its slots are not enough" {
            use scope = torch.NewDisposeScope()

            use model =
                (KeepAllOptions(Controller = Samples.feedForward 3, Slots = 4, Width = 2))
                    .Build(2, 1, RandomStream(1UL, "m"))

            Faults.says<ConfigurationException> [ "model.slots"; "4"; "keep-all"; "slot 5" ] (fun () ->
                model.Forward(torch.zeros (1L, 5L, 2L)) |> ignore)
        }
    ]

let tests =
    testList "KeepingPolicy" [
        for policy in known do
            asLoops policy
        reservoir
        drawn
        refused
    ]

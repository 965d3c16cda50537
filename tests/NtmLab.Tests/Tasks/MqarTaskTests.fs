module NtmLab.Tests.Tasks.MqarTaskTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

/// A task with a batch of it.
type MqarCase = { Task: MqarTask; Batch: int; Length: int; Seed: uint64 }

type Arbitraries =
    static member MqarCase() : Arbitrary<MqarCase> =
        gen {
            let! pairs = Gen.choose (1, 8)
            let! more = Gen.choose (0, 20)
            let! fillers = Gen.elements [ Fillers.Tokens; Fillers.Blank ]
            let! powerLaw = Gen.elements [ 0.01; 0.5; 1.0; 2.0 ]
            let! batch = Gen.choose (1, 5)
            let! room = Gen.choose (0, 30)
            let! seed = Gen.choose (0, Int32.MaxValue)

            let task =
                MqarTask(
                    Vocabulary = 2 * (pairs + 1) + more,
                    Pairs = pairs,
                    PowerLaw = powerLaw,
                    Fillers = fillers
                )

            return { Task = task; Batch = batch; Length = 4 * pairs + room; Seed = uint64 seed }
        }
        |> Arb.fromGen

/// One sequence: its tokens, the wanted ones, and whether each counts.
type private Sequence = { Input: int[]; Target: int[]; Counts: bool[] }

let private sequences (batch: SequenceBatch) : Sequence list =
    let rows (tensor: torch.Tensor) =
        Tensors.values tensor
        |> Array.map int
        |> Array.chunkBySize (int batch.Input.shape[1])

    [
        for input, target, mask in Array.zip3 (rows batch.Input) (rows batch.Target) (rows batch.Mask) do
            { Input = input; Target = target; Counts = Array.map ((=) 1) mask }
    ]

let private generate (case: MqarCase) : SequenceBatch =
    case.Task.Generate(RandomStream(case.Seed, "mqar"), case.Batch, case.Length)

let private law (name: string) (holds: MqarCase -> Sequence -> unit) : Test =
    let check (case: MqarCase) =
        use batch = generate case
        sequences batch |> List.iter (holds case)

    testPropertyWithConfig { FsCheckConfig.defaultConfig with arbitrary = [ typeof<Arbitraries> ] } name check

/// The keys and the values of the pairs that a sequence begins with.
let private pairs (task: MqarTask) (input: int[]) : (int * int) list = [
    for pair in 0 .. task.Pairs - 1 -> input[2 * pair], input[2 * pair + 1]
]

/// Answers as a person would: note the pairs, and look up what is asked; 0 where nothing is asked.
let private solve (task: MqarTask) (input: int[]) (asked: bool[]) : int[] =
    let notes = Map.ofList (pairs task input)
    Array.map2 (fun token asked -> if asked then notes[token] else 0) input asked

/// Where each key of a sequence returns, counted in places for queries.
let private places (task: MqarTask) (sequence: Sequence) : int list = [
    for key, _ in pairs task sequence.Input do
        let isQuery step = sequence.Counts[step] && sequence.Input[step] = key
        let step = Seq.find isQuery (seq { 2 * task.Pairs .. sequence.Input.Length - 1 })
        (step - 2 * task.Pairs) / 2
]

let private structure =
    testList "structure" [
        law
            "begins with different keys of the lower half, each with a value of its own of the upper half"
            (fun case sequence ->
                let keys, values = List.unzip (pairs case.Task sequence.Input)
                let half = case.Task.Vocabulary / 2
                Expect.all keys (fun key -> key >= 1 && key < half) "keys"
                Expect.all values (fun value -> value >= half && value < case.Task.Vocabulary) "values"
                Expect.equal (List.distinct keys) keys "no key twice"
                Expect.equal (List.distinct values) values "no value twice")

        law "asks for every key once, an even number of steps after the pairs" (fun case sequence ->
            Expect.equal sequence.Input.Length case.Length "the length"

            let asked =
                [ for step in 0 .. case.Length - 1 -> sequence.Counts[step] ]
                |> List.indexed
                |> List.filter snd

            let steps = List.map fst asked
            Expect.all steps (fun step -> step >= 2 * case.Task.Pairs && step % 2 = 0) "where"

            Expect.equal
                (List.sort [ for step in steps -> sequence.Input[step] ])
                (List.sort (List.map fst (pairs case.Task sequence.Input)))
                "all keys")

        law "has the target that an independent solver gives" (fun case sequence ->
            Expect.equal
                (solve case.Task sequence.Input sequence.Counts)
                sequence.Target
                "the value of each key")

        law "has nothing but pairs and queries if the fillers are blanks" (fun case sequence ->
            if case.Task.Fillers = Fillers.Blank then
                let isAsked step token = step >= 2 * case.Task.Pairs && token <> 0
                Expect.equal (Array.mapi isAsked sequence.Input) sequence.Counts "what is asked is seen")

        for fillers in [ Fillers.Tokens; Fillers.Blank ] do
            testList $"with {fillers} as fillers" [
                TaskLaws.tests (MqarTask(Vocabulary = 32, Pairs = 3, Fillers = fillers)) [ 12; 13; 40 ]
            ]
    ]

let private drawn (task: MqarTask) (length: int) : Sequence list =
    use batch = task.Generate(RandomStream(34UL, "train"), 6000, length)
    sequences batch

let private randomness =
    testList "randomness" [
        test "of a known key is the known one" {
            let task = MqarTask(Vocabulary = 12, Pairs = 2, Fillers = Fillers.Blank)
            let sequence = sequences (task.Generate(RandomStream(1UL, "mqar"), 1, 14)) |> List.head
            Expect.equal sequence.Input [| 1; 9; 4; 6; 0; 0; 0; 0; 4; 0; 0; 0; 1; 0 |] "the input"
            Expect.equal sequence.Target [| 0; 0; 0; 0; 0; 0; 0; 0; 6; 0; 0; 0; 9; 0 |] "the target"
        }

        test "draws every pair of keys equally often" {
            ChiSquare.count 25 [
                for sequence in drawn (MqarTask(Vocabulary = 12, Pairs = 2)) 8 do
                    5 * sequence.Input[0] + sequence.Input[2] - 6
            ]
            |> Array.indexed
            |> Array.filter (fun (keys, _) -> keys / 5 <> keys % 5)
            |> Array.map snd
            |> ChiSquare.isUniform
        }

        test "draws every value equally often, in every place" {
            let sequences = drawn (MqarTask(Vocabulary = 16, Pairs = 3)) 12

            for place in [ 1; 3; 5 ] do
                ChiSquare.count 8 [ for sequence in sequences -> sequence.Input[place] - 8 ]
                |> ChiSquare.isUniform
        }

        for powerLaw in [ 0.01; 0.5; 1.0; 2.0 ] do
            test $"draws gaps by the power law {powerLaw}, each among those that are left" {
                let task = MqarTask(Vocabulary = 64, Pairs = 2, PowerLaw = powerLaw)
                let places = [ for sequence in drawn task 16 -> places task sequence ]
                let chance place = float (place + 1) ** (powerLaw - 1.0)
                let all = List.sumBy chance [ 0..5 ]

                let outcomes = [
                    for first in 0..5 do
                        for second in 0..5 do
                            if first <> second then
                                [ first; second ], chance first * chance second / (all - chance first)
                ]

                let counted = Map.ofList (List.countBy id places)

                ChiSquare.fits [| for _, chance in outcomes -> chance |] [|
                    for outcome, _ in outcomes -> Map.tryFind outcome counted |> Option.defaultValue 0
                |]
            }

        test "draws every filler equally often, in every step that asks nothing" {
            let task = MqarTask(Vocabulary = 8, Pairs = 2)

            for step in 4..9 do
                ChiSquare.count 8 [
                    for sequence in drawn task 10 do
                        if not sequence.Counts[step] then
                            sequence.Input[step]
                ]
                |> ChiSquare.isUniform
        }
    ]

let private score =
    testList "score" [
        testPropertyWithConfig
            {
                FsCheckConfig.defaultConfig with
                    arbitrary = [ typeof<Arbitraries> ]
                    maxTest = 30
            }
            "of the right answer is 0, whatever is said elsewhere, and of all wrong ones 1"
            (fun (case: MqarCase) ->
                use batch = generate case
                let logits = TaskLaws.saying case.Task.Vocabulary batch
                let mask = batch.Mask.unsqueeze -1L
                let noise = ((1.0).ToScalar() - mask) * (37.0).ToScalar()

                Expect.equal
                    (case.Task.Score(logits * mask + noise, batch))
                    (Array.zeroCreate case.Batch)
                    "right"

                Expect.equal (case.Task.Score(-logits, batch)) (Array.create case.Batch 1.0f) "wrong")

        test "without memory is that of guessing a value" {
            let task = MqarTask(Vocabulary = 16, Pairs = 3)
            TaskLaws.reachesBaseline task 12 (TaskLaws.guessing 16 8)
            let paper = MqarTask(Vocabulary = 8192, Pairs = 64).Baseline 512
            Expect.floatClose Accuracy.high paper.Score (1.0 - 2.0 / 8192.0) "1 - 2 / vocabulary"
            Expect.floatClose Accuracy.high paper.Loss (64.0 * 12.0) "log2 4096 bits a value"
        }
    ]

let private faults =
    testList "faults" [
        test "a length that the pairs do not fit into is refused with both" {
            Faults.says<ConfigurationException>
                [ "task 'mqar': length"; "31"; "8 task.pairs"; "32 to" ]
                (fun () -> MqarTask().Generate(RandomStream(1UL, "mqar"), 1, 31) |> ignore)
        }

        test "training lengths that the pairs do not fit into are refused with both" {
            Faults.says<ConfigurationException>
                [ "task.minLength: 63"; "16 task.pairs"; "64 or more" ]
                (MqarTask(Pairs = 16, MinLength = 63)).Validate
        }

        test "more pairs than keys are refused with both" {
            Faults.says<ConfigurationException>
                [ "task.pairs: 8"; "16 task.vocabulary"; "at most 7" ]
                (MqarTask(Vocabulary = 16)).Validate
        }

        for option, task in
            [
                "task.vocabulary", MqarTask(Vocabulary = 3)
                "task.vocabulary", MqarTask(Vocabulary = Int32.MaxValue)
                "task.pairs", MqarTask(Pairs = 0)
                "task.pairs", MqarTask(Pairs = Int32.MaxValue)
                "task.powerLaw", MqarTask(PowerLaw = 0.0)
                "task.powerLaw", MqarTask(PowerLaw = nan)
                "task.maxLength", MqarTask(MaxLength = 63)
                "task.maxLength", MqarTask(MaxLength = Int32.MaxValue)
            ] do
            test $"an impossible {option} is refused by name: {task}" {
                Faults.says<ConfigurationException> [ $"{option}:"; "is not allowed" ] task.Validate
            }

        test "as many pairs as there are keys, in no more steps than they need, are allowed" {
            let task = MqarTask(Vocabulary = 18, Pairs = 8, MinLength = 32, MaxLength = 32)
            task.Validate()
            use batch = task.Generate(RandomStream(1UL, "mqar"), 2)
            Expect.equal (Tensors.values batch.Mask |> Array.sum) 16.0 "eight a sequence"
        }
    ]

let tests = testList "MqarTask" [ structure; randomness; score; faults ]

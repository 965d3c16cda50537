module NtmLab.Tests.Tasks.AssociativeRecallTaskTests

open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

let private law
    (name: string)
    (holds: DrawnTask.Case<AssociativeRecallTask> -> SequenceBatch -> unit)
    : Test =
    DrawnTask.law name (AssociativeRecallTask()) holds

/// What a sequence shows: its items, each a list of vectors, and the one between the query delimiters.
let private read (task: AssociativeRecallTask) (input: float[][]) : float[][] list * float[][] =
    let bits (steps: float[][]) = steps |> Array.map (Array.take task.Bits)

    let flagged (flag: int) = [
        for t, step in Array.indexed input do
            if step[flag] = 1.0 then
                t
    ]

    let queries = flagged (task.Bits + 1)
    let starts = flagged task.Bits
    let ends = List.tail starts @ [ queries[0] ]
    let items = [ for first, last in List.zip starts ends -> bits input[first + 1 .. last - 1] ]
    items, bits input[queries[0] + 1 .. queries[1] - 1]

/// Answers as a person would: find the queried item among those seen, and say the one after it.
let private solve (task: AssociativeRecallTask) (input: float[][]) : float[][] =
    let items, query = read task input
    let answer = items[1 + List.findIndex ((=) query) items]
    let silence = Array.create (input.Length - answer.Length) (Array.zeroCreate task.Bits)
    Array.append silence answer

let private structure =
    testList "structure" [
        law "has the target that an independent solver gives" (fun case batch ->
            let solved = Tensors.values3 batch.Input |> Array.map (solve case.Task)
            Expect.equal (Tensors.values3 batch.Target) solved "the item after the queried one")

        law "has as many items as it is long, of the right size, and all differ" (fun case batch ->
            for input in Tensors.values3 batch.Input do
                let items, query = read case.Task input
                Expect.equal items.Length case.Length "items"
                Expect.equal (List.distinct items) items "no item twice"

                for item in query :: items do
                    Expect.equal item.Length case.Task.Vectors "vectors"

                Expect.contains (List.take (case.Length - 1) items) query "the last has no successor")

        law
            "raises its delimiters before items and around the query, alone, and is blank after"
            (fun case batch ->
                let size = case.Task.Vectors + 1
                let query = case.Length * size

                for input in Tensors.values3 batch.Input do
                    for t, step in Array.indexed input do
                        let isItem = t < query && t % size = 0
                        let isQuery = t = query || t = query + size
                        Expect.equal (step[case.Task.Bits] = 1.0) isItem "before every item"
                        Expect.equal (step[case.Task.Bits + 1] = 1.0) isQuery "before and after the query"

                        if isItem || isQuery || t > query + size then
                            Expect.all (Array.take case.Task.Bits step) ((=) 0.0) "no bits")

        law "counts loss and score in the answer only" (fun case batch ->
            let before = (case.Length + 1) * (case.Task.Vectors + 1) + 1
            let expected = Array.append (Array.zeroCreate before) (Array.create case.Task.Vectors 1.0)

            for mask in Tensors.values2 batch.Mask do
                Expect.equal mask expected "the vectors of one item")

        test "has as many items as differ, if it should" {
            let task = AssociativeRecallTask(Bits = 1, Vectors = 2, MaxItems = 4)
            use batch = task.Generate(RandomStream(1UL, "recall"), 20, 4)

            for input in Tensors.values3 batch.Input do
                Expect.equal (List.distinct (fst (read task input))).Length 4 "all of them"
        }
    ]

/// An item as a whole number.
let private number (item: float[][]) : int =
    Array.concat item |> Array.fold (fun number bit -> 2 * number + int bit) 0

/// The items and queries of many sequences.
let private many (task: AssociativeRecallTask) (items: int) : (float[][] list * float[][])[] =
    use batch = task.Generate(RandomStream(23UL, "train"), 4000, items)
    Tensors.values3 batch.Input |> Array.map (read task)

let private randomness =
    testList "randomness" [
        test "of a known key is the known one" {
            let task = AssociativeRecallTask(Bits = 2, Vectors = 1)
            use batch = task.Generate(RandomStream(1UL, "recall"), 1, 3)

            Expect.equal
                (Tensors.values3 batch.Input)
                [|
                    [|
                        [| 0.0; 0.0; 1.0; 0.0 |]
                        [| 1.0; 1.0; 0.0; 0.0 |]
                        [| 0.0; 0.0; 1.0; 0.0 |]
                        [| 0.0; 1.0; 0.0; 0.0 |]
                        [| 0.0; 0.0; 1.0; 0.0 |]
                        [| 1.0; 0.0; 0.0; 0.0 |]
                        [| 0.0; 0.0; 0.0; 1.0 |]
                        [| 1.0; 1.0; 0.0; 0.0 |]
                        [| 0.0; 0.0; 0.0; 1.0 |]
                        [| 0.0; 0.0; 0.0; 0.0 |]
                    |]
                |]
                "three items, the query for the first, a blank"

            Expect.equal (Array.last (Array.head (Tensors.values3 batch.Target))) [| 0.0; 1.0 |] "the second"
        }

        test "asks for every item but the last equally often" {
            many (AssociativeRecallTask()) 6
            |> Seq.map (fun (items, query) -> List.findIndex ((=) query) items)
            |> ChiSquare.count 5
            |> ChiSquare.isUniform
        }

        test "draws every item equally often, in every place" {
            let items = many (AssociativeRecallTask(Bits = 2, Vectors = 2)) 5 |> Array.map fst

            for place in 0..4 do
                items
                |> Seq.map (fun items -> number items[place])
                |> ChiSquare.count 16
                |> ChiSquare.isUniform
        }

        test "draws every order of items equally often" {
            // Of 4 items taken 2 at a time: 12 orders among the 16 numbers of two items.
            let orders =
                many (AssociativeRecallTask(Bits = 2, Vectors = 1)) 2
                |> Seq.map (fun (items, _) -> 4 * number items[0] + number items[1])
                |> ChiSquare.count 16

            let different = [|
                for order in 0..15 do
                    if order / 4 <> order % 4 then
                        orders[order]
            |]

            Expect.equal (Array.sum different) 4000 "no item twice"
            ChiSquare.isUniform different
        }
    ]

let private faults =
    testList "faults" [
        for option, task in
            [
                "task.bits", AssociativeRecallTask(Bits = 0)
                "task.vectors", AssociativeRecallTask(Vectors = 0)
                "task.minItems", AssociativeRecallTask(MinItems = 1)
                "task.maxItems", AssociativeRecallTask(MinItems = 5, MaxItems = 4)
                "task.maxItems", AssociativeRecallTask(MaxItems = SequenceTask.LengthLimit + 1)
                "task.maxItems", AssociativeRecallTask(Bits = 1, Vectors = 2, MaxItems = 5)
            ] do
            test $"an impossible {option} is refused by name: {task}" {
                Faults.says<ConfigurationException> [ $"{option}:"; "is not allowed" ] task.Validate
            }

        test "one item is refused, since none follows it" {
            Faults.says<ConfigurationException> [ "task 'associative-recall': items"; "1"; "2 to" ] (fun () ->
                AssociativeRecallTask().Generate(RandomStream(1UL, "recall"), 1, 1) |> ignore)
        }

        test "more items than differ are refused with their number" {
            let task = AssociativeRecallTask(Bits = 1, Vectors = 3)

            Faults.says<ConfigurationException>
                [ "task 'associative-recall': items: 9"; "3 bits"; "8 differ" ]
                (fun () -> task.Generate(RandomStream(1UL, "recall"), 1, 9) |> ignore)
        }

        test "any number of items is allowed where bits are many" {
            AssociativeRecallTask(Bits = 31, Vectors = 1, MaxItems = SequenceTask.LengthLimit).Validate()
        }
    ]

let tests = testList "AssociativeRecallTask" [ structure; randomness; faults ]

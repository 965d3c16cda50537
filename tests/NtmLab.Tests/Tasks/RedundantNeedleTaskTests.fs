module NtmLab.Tests.Tasks.RedundantNeedleTaskTests

open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

let private draw (task: RedundantNeedleTask) (batch: int) (repeats: int) : float[][][] * float[][][] =
    use drawn = task.Generate(RandomStream(3UL, "redundant"), batch, repeats)
    Tensors.values3 drawn.Input, Tensors.values3 drawn.Target

let private clean = RedundantNeedleTask(Facts = 3, KeyBits = 4, ValueBits = 2, Noise = 0.0)

let private isFact (step: float[]) = step[6] = 1.0

let tests =
    testList "RedundantNeedleTask" [
        for order in [ RepeatOrder.Blocks; RepeatOrder.Shuffled ] do
            test $"shows every fact as often as asked, in {order}" {
                let inputs, _ =
                    draw
                        (RedundantNeedleTask(
                            Facts = 3,
                            KeyBits = 4,
                            ValueBits = 2,
                            Noise = 0.0,
                            Order = order
                        ))
                        20
                        5

                for sequence in inputs do
                    Expect.equal sequence.Length 16 "three facts five times, and the query"
                    let facts = sequence |> Array.filter isFact |> Array.countBy id
                    Expect.equal (Array.map snd facts) [| 5; 5; 5 |] "as often"
                    let keys = [ for fact, _ in facts -> fact[..3] ]
                    Expect.equal (List.distinct keys) keys "no key twice"
            }

        test "shows repeats one after the other in blocks, and mixed when shuffled" {
            let changes (sequence: float[][]) =
                sequence
                |> Array.filter isFact
                |> Array.pairwise
                |> Array.filter (fun (a, b) -> a <> b)
                |> Array.length

            let blocks, _ = draw clean 20 8

            let shuffled, _ =
                draw
                    (RedundantNeedleTask(
                        Facts = 3,
                        KeyBits = 4,
                        ValueBits = 2,
                        Noise = 0.0,
                        Order = RepeatOrder.Shuffled
                    ))
                    20
                    8

            Expect.all
                blocks
                (fun sequence -> changes sequence = 2)
                "from the first to the second, from the second to the third"

            Expect.isGreaterThan
                (shuffled |> Array.averageBy (changes >> float))
                10.0
                "about two of three steps change"
        }

        test "asks for a key that was seen, and wants its value" {
            let inputs, targets = draw clean 50 2

            for sequence, target in Array.zip inputs targets do
                let query = Array.last sequence
                Expect.equal query[4..] [| 0.0; 0.0; 0.0; 1.0 |] "no value, no fact, a query"
                let fact = sequence |> Array.find (fun step -> isFact step && step[..3] = query[..3])
                Expect.equal (Array.last target) fact[4..5] "the value"
        }

        test "adds noise of the asked size to key and value of the facts, not to the query" {
            let noisy, _ = draw (RedundantNeedleTask(Noise = 0.3)) 100 4

            let errors = [|
                for sequence in noisy do
                    for step in sequence[.. sequence.Length - 2] do
                        for x in step[..15] -> min (abs x) (abs (x - 1.0))
            |]

            let size = sqrt (Array.averageBy (fun x -> x * x) errors)
            // The distance to the nearer bit, not to the true one: a little less than the noise.
            Expect.isTrue (size > 0.22 && size < 0.3) $"{size}"

            for sequence in noisy do
                Expect.all (Array.last sequence) (fun x -> x = 0.0 || x = 1.0) "a clean query"
        }

        for name, words, task in
            [
                "no facts", [ "task.facts"; "0" ], RedundantNeedleTask(Facts = 0)
                "more facts than keys",
                [ "task.facts"; "5"; "at most 4" ],
                RedundantNeedleTask(Facts = 5, KeyBits = 2)
                "no repeats", [ "task.minRepeats"; "0" ], RedundantNeedleTask(MinRepeats = 0)
                "repeats that end before they begin",
                [ "task.maxRepeats" ],
                RedundantNeedleTask(MinRepeats = 5)
                "negative noise", [ "task.noise" ], RedundantNeedleTask(Noise = -0.1)
            ] do
            test $"{name} are refused" {
                Faults.says<ConfigurationException> words (fun () -> task.Validate())
            }
    ]

module NtmLab.Tests.Training.EvaluationTests

open System
open System.Threading
open Expecto
open NtmLab.Tests.Training.TrainingSetup
open NtmLab.Training

let private evaluate (lengths: int list) (sequences: int) (seed: uint64) : LengthScore list =
    use model = buildModel modelOptions 1UL

    Evaluation.ByLength(model, task, List.toArray lengths, sequences, seed)
    |> List.ofSeq

let tests =
    testList "Evaluation" [
        test "gives one score a length, in the order asked for" {
            Expect.equal (evaluate [ 5; 1; 3 ] 4 1UL |> List.map _.Length) [ 5; 1; 3 ] "lengths"
        }

        test "is the same for the same seed" {
            Expect.equal
                (evaluate [ 2; 4 ] 120 3UL)
                (evaluate [ 2; 4 ] 120 3UL)
                "fresh sequences, but the same ones"
        }

        test "is on other sequences for another seed" {
            Expect.notEqual (evaluate [ 10 ] 20 3UL) (evaluate [ 10 ] 20 4UL) "scores differ"
        }

        test "scores a length the same whatever other lengths there are" {
            Expect.equal
                (evaluate [ 1; 2; 7 ] 5 1UL |> List.last)
                (evaluate [ 7 ] 5 1UL |> List.exactlyOne)
                "length 7"
        }

        test "averages over more sequences than go into one batch" {
            // An untrained model guesses: half of 3 x 4 bits are wrong.
            let score = (evaluate [ 4 ] 500 1UL).Head.Score
            Expect.isTrue (score > 5.0 && score < 7.0) $"{score} is near 6"
        }

        test "leaves no gradients" {
            use model = buildModel modelOptions 1UL
            Evaluation.ByLength(model, task, [| 2 |], 3, 1UL) |> ignore

            Expect.all
                (model.parameters ())
                (fun parameter -> isNull parameter.grad)
                "no backward pass is prepared"
        }

        test "stops when it is asked to" {
            use model = buildModel modelOptions 1UL
            use source = new CancellationTokenSource()
            source.Cancel()

            Expect.throwsT<OperationCanceledException>
                (fun () -> Evaluation.ByLength(model, task, [| 2 |], 3, 1UL, source.Token) |> ignore)
                "between two batches"
        }
    ]

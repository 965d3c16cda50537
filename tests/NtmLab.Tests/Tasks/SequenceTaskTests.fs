module NtmLab.Tests.Tasks.SequenceTaskTests

open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests

let tests =
    testList "SequenceTask" [
        test "lengths are uniform from the shortest to the longest" {
            let random = RandomStream(21UL, "train")

            Seq.init 4000 (fun _ -> LengthRange(3, 12).Draw random - 3)
            |> ChiSquare.count 10
            |> ChiSquare.isUniform
        }

        test "there is one length if the shortest is the longest" {
            Expect.equal (LengthRange(6, 6).Draw(RandomStream(1UL, "train"))) 6 "the only one"
        }
    ]

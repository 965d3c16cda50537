module NtmLab.Tests.Configuration.SuggestionTests

open Expecto
open NtmLab.Configuration

let private suggestion (unknown: string) (known: string list) : string = Suggestion.For(unknown, known)

let tests =
    testList "Suggestion" [
        test "the nearest known name is suggested" {
            Expect.equal
                (suggestion "slot" [ "shift"; "slots"; "seed" ])
                "did you mean 'slots'?"
                "one letter away"
        }

        test "letter case does not matter" {
            Expect.equal (suggestion "SLOTS" [ "shift"; "slots" ]) "did you mean 'slots'?" "the same word"
        }

        test "long names may differ in more letters" {
            Expect.equal
                (suggestion "training.optimizer.learningrates" [ "training.optimiser.learningRate"; "seed" ])
                "did you mean 'training.optimiser.learningRate'?"
                "a third of the letters"
        }

        test "far names are listed instead" {
            Expect.equal (suggestion "elephant" [ "copy"; "ntm" ]) "known are: copy, ntm." "nothing is near"
        }

        test "no known names are said to be none" {
            Expect.equal (suggestion "x" []) "there are none." "an empty list"
        }

        testProperty "a known name suggests itself" (fun (other: char list) ->
            let other = System.String(List.toArray other)

            suggestion "model.slots" [ other; "model.slots" ] = "did you mean 'model.slots'?"
            || other.ToLowerInvariant() = "model.slots")
    ]

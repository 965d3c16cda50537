module NtmLab.Tests.Models.InitialisationTests

open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tests

let private values (parameter: TorchSharp.Modules.Parameter) : float[] = Tensors.values parameter

let tests =
    testList "Initialisation" [
        test "Xavier's values fill [-a, a] with a = gain sqrt(6 / (in + out))" {
            let drawn = values (Initialisation.Xavier(RandomStream(1UL, "x"), 30, 70, 1.4))
            let range = 1.4 * sqrt (6.0 / 100.0)
            Expect.isTrue (drawn |> Array.forall (fun x -> abs x <= range + 1e-7)) "none outside"
            Expect.isGreaterThan (drawn |> Array.map abs |> Array.max) (0.99 * range) "up to the ends"
            // The variance of a uniform number in [-a, a] is a^2 / 3.
            let variance = drawn |> Array.averageBy (fun x -> x * x)
            Expect.isLessThan (abs (variance / (range * range / 3.0) - 1.0)) 0.06 "evenly"
        }

        test "a matrix has one row per output" {
            Expect.equal
                (Initialisation.Xavier(RandomStream(1UL, "x"), 3, 5).shape)
                [| 3L; 5L |]
                "[outputs, inputs]"
        }

        test "drawn values are trained" {
            Expect.isTrue
                (Initialisation.Uniform(RandomStream(1UL, "x"), 0.05, 4L).requires_grad)
                "a parameter"
        }

        test "a constant is the same everywhere" {
            Expect.equal (values (Initialisation.Constant(0.5f, 2L, 2L))) (Array.create 4 0.5) "four halves"
        }
    ]

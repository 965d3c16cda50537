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

        test "values between two ends fill what lies between them, evenly" {
            let drawn = values (Initialisation.Between(RandomStream(1UL, "x"), -3.0, 1.0, 2000L))
            Expect.isGreaterThanOrEqual (Array.min drawn) -3.0 "none below"
            Expect.isLessThanOrEqual (Array.max drawn) 1.0 "none above"
            Expect.isLessThan (abs (Array.average drawn + 1.0)) 0.1 "the middle"
            let variance = drawn |> Array.averageBy (fun x -> (x + 1.0) * (x + 1.0))
            Expect.isLessThan (abs (variance / (16.0 / 12.0) - 1.0)) 0.1 "evenly"
        }

        test "normal values lie around 0 with the deviation that is asked for" {
            let drawn = values (Initialisation.Normal(RandomStream(1UL, "x"), 0.5, 2000L))
            Expect.isLessThan (abs (Array.average drawn)) 0.04 "mean"
            Expect.isLessThan (abs ((drawn |> Array.averageBy (fun x -> x * x)) / 0.25 - 1.0)) 0.1 "variance"
            let inside = drawn |> Array.filter (fun x -> abs x < 0.5) |> Array.length
            Expect.isLessThan (abs (float inside / 2000.0 - 0.6827)) 0.03 "within one deviation"
        }

        test "a repeated row is in every row" {
            let rows = Initialisation.Repeated([| 1.0f; 2.0f; 3.0f |], 2)
            Expect.equal rows.shape [| 2L; 3L |] "[rows, row]"
            Expect.equal (values rows) [| 1.0; 2.0; 3.0; 1.0; 2.0; 3.0 |] "twice"
            Expect.isTrue rows.requires_grad "a parameter"
        }

        test "drawn values are trained" {
            Expect.isTrue
                (Initialisation.Uniform(RandomStream(1UL, "x"), 0.05, 4L).requires_grad)
                "a parameter"
        }

        test "parameters begin at the same alignment, wherever the collector puts their values" {
            for size in 1L .. 20L do
                let drawn = Initialisation.Uniform(RandomStream(1UL, "x"), 1.0, size)
                Expect.isTrue (Tensors.isAligned drawn) $"{size} values drawn"
                let repeated = Initialisation.Repeated(Array.replicate (int size) 1.0f, 3)
                Expect.isTrue (Tensors.isAligned repeated) $"{size} values repeated"
        }

        test "a constant is the same everywhere" {
            Expect.equal (values (Initialisation.Constant(0.5f, 2L, 2L))) (Array.create 4 0.5) "four halves"
        }
    ]

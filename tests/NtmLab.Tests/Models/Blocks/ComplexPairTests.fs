module NtmLab.Tests.Models.Blocks.ComplexPairTests

open System.Numerics
open Expecto
open NtmLab
open NtmLab.Models.Blocks
open NtmLab.Tests
open TorchSharp

let private pair (name: string) : ComplexPair =
    let part index = Tensors.uniform (RandomStream(1UL, name, index)) -2.0 2.0 [ 5 ]
    ComplexPair(part 0UL, part 1UL)

let private complex (pair: ComplexPair) : Complex list =
    Seq.map2 (fun re im -> Complex(re, im)) (Tensors.values pair.Real) (Tensors.values pair.Imaginary)
    |> List.ofSeq

let private agree (pair: ComplexPair) (expected: Complex list) (what: string) : unit =
    for ours, theirs in List.zip (complex pair) expected do
        Expect.isLessThan (Complex.Abs(ours - theirs)) 1e-13 what

let tests =
    testList "ComplexPair" [
        test "computes what .NET's complex numbers do" {
            use scope = torch.NewDisposeScope()
            let a, b, x = pair "a", pair "b", (pair "x").Real
            let each f = List.map2 f (complex a) (complex b)
            agree (a + b) (each (fun a b -> a + b)) "sums"
            agree (a * b) (each (fun a b -> a * b)) "products"
            agree (a / b) (each (fun a b -> a / b)) "quotients"

            agree
                (a * x)
                (List.map2
                    (fun (a: Complex) (x: float) -> a * x)
                    (complex a)
                    (List.ofArray (Tensors.values x)))
                "products with real numbers"

            agree (a.Exp()) (complex a |> List.map Complex.Exp) "exponentials"

            agree
                (a.ExpMinusOne())
                (complex a |> List.map (fun a -> Complex.Exp a - Complex.One))
                "exponentials minus 1"
        }

        test "e^a - 1 keeps its digits near 0 in single precision" {
            use scope = torch.NewDisposeScope()
            let re, im = -0.0005, 0.001
            let part (value: float) = torch.tensor ([| float32 value |])
            let ours = (complex (ComplexPair(part re, part im).ExpMinusOne())).Head
            // Three terms of the series have all digits of a double here.
            let a = Complex(re, im)
            let series = a + a * a / Complex(2.0, 0.0) + a * a * a / Complex(6.0, 0.0)
            Expect.isLessThan (Complex.Abs(ours - series) / Complex.Abs series) 3e-7 "relative to its size"
        }
    ]

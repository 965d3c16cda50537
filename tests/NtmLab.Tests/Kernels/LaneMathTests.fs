module NtmLab.Tests.Kernels.LaneMathTests

#nowarn "9"

open System
open Expecto
open FSharp.NativeInterop
open NtmLab.Kernels

/// Applies a function of rows to single values, each in every lane and at every place in the row.
let private apply<'T when 'T: unmanaged and 'T :> ILanes<'T>> (f: 'T -> 'T) (values: float32[]) : float32[] =
    let count = 'T.Count
    let padded = Array.append values (Array.create count 1.0f)
    use source = fixed padded
    let row = NativePtr.stackalloc<float32> 16

    [|
        for i in 0 .. values.Length - 1 do
            let result = f ('T.Load(NativePtr.add source i))
            result.Store row
            NativePtr.read row
    |]

/// A function over every width, by name.
let private everyWidth
    (scalar: Lanes1 -> Lanes1)
    (four: Lanes128 -> Lanes128)
    (eight: Lanes256 -> Lanes256)
    (sixteen: Lanes512 -> Lanes512)
    : (string * (float32[] -> float32[])) list = [
    "scalar", apply scalar
    "128 bits", apply four
    "256 bits", apply eight
    "512 bits", apply sixteen
]

/// The distance in units in the last place of the exact result.
let private lastPlaces (exact: float) (got: float32) : float =
    let unit = float (MathF.BitIncrement(abs (float32 exact)) - abs (float32 exact))
    abs (float got - exact) / unit

let private grid (low: float) (high: float) (count: int) : float32[] =
    Array.init count (fun i -> float32 (low + (high - low) * float i / float (count - 1)))

/// Positive normal numbers of every size, and many near 1.
let private positive: float32[] =
    Array.append
        (grid -37.0 38.0 20_000 |> Array.map (fun x -> float32 (10.0 ** float x)))
        (grid 0.5 2.0 20_000)

let private check widths inputs worst (error: float32 -> float32 -> float) =
    testList "every width" [
        for name, f in widths ->
            testCase name (fun () ->
                for x, y in Array.zip inputs (f inputs) do
                    let got = error x y

                    if not (got <= worst) then
                        failtest $"f({x}) = {y}: the error is {got}, more than {worst}")
    ]

/// ln (1 + x), by its series where 1 + x would lose digits even in double precision.
let private logOnePlus (x: float) : float =
    if x < 1e-5 then
        x - x * x / 2.0 + x * x * x / 3.0
    else
        log (1.0 + x)

/// e^x - 1, likewise.
let private expMinusOne (x: float) : float =
    if abs x < 1e-5 then
        x + x * x / 2.0 + x * x * x / 6.0
    else
        exp x - 1.0

let tests =
    testList "LaneMath" [
        testList "Exp is within 2 units in the last place" [
            check
                (everyWidth LaneMath.Exp LaneMath.Exp LaneMath.Exp LaneMath.Exp)
                (grid -86.9 87.9 40_000)
                2.0
                (fun x y -> lastPlaces (exp (float x)) y)
        ]
        testList "Log is within 2 units in the last place, or 1e-7 near 1" [
            check (everyWidth LaneMath.Log LaneMath.Log LaneMath.Log LaneMath.Log) positive 2.0 (fun x y ->
                let exact = log (float x)

                if abs (float y - exact) < 1e-7 then
                    0.0
                else
                    lastPlaces exact y)
        ]
        testList "Exp2 is within 2 units in the last place" [
            check
                (everyWidth LaneMath.Exp2 LaneMath.Exp2 LaneMath.Exp2 LaneMath.Exp2)
                (grid -124.9 125.9 40_000)
                2.0
                (fun x y -> lastPlaces (2.0 ** float x) y)
        ]
        testList "Log2 is within 2 units in the last place, or 1e-7 near 1" [
            check
                (everyWidth LaneMath.Log2 LaneMath.Log2 LaneMath.Log2 LaneMath.Log2)
                positive
                2.0
                (fun x y ->
                    let exact = Math.Log2(float x)

                    if abs (float y - exact) < 1e-7 then
                        0.0
                    else
                        lastPlaces exact y)
        ]
        testList "LogOnePlus keeps the digits of small values" [
            check
                (everyWidth LaneMath.LogOnePlus LaneMath.LogOnePlus LaneMath.LogOnePlus LaneMath.LogOnePlus)
                (grid -37.0 0.0 40_000 |> Array.map (fun x -> float32 (10.0 ** float x)))
                4.0
                (fun x y -> lastPlaces (logOnePlus (float x)) y)
        ]
        testList "ExpMinusOne keeps the digits of small values" [
            check
                (everyWidth
                    LaneMath.ExpMinusOne
                    LaneMath.ExpMinusOne
                    LaneMath.ExpMinusOne
                    LaneMath.ExpMinusOne)
                (Array.append
                    (grid -86.9 0.0 20_000)
                    (grid -30.0 0.0 20_000 |> Array.map (fun x -> -float32(10.0 ** float x))))
                4.0
                (fun x y -> lastPlaces (expMinusOne (float x)) y)
        ]
        testList "Sigmoid is within 2e-7" [
            check
                (everyWidth LaneMath.Sigmoid LaneMath.Sigmoid LaneMath.Sigmoid LaneMath.Sigmoid)
                (grid -100.0 100.0 40_000)
                2e-7
                (fun x y -> abs (float y - 1.0 / (1.0 + exp (-(float x)))))
        ]
        testList "Tanh is within 2e-7" [
            check
                (everyWidth LaneMath.Tanh LaneMath.Tanh LaneMath.Tanh LaneMath.Tanh)
                (grid -50.0 50.0 40_000)
                2e-7
                (fun x y -> abs (float y - tanh (float x)))
        ]
        testCase "values beyond the range of Exp are clamped, not wrapped" (fun () ->
            for _, f in everyWidth LaneMath.Exp LaneMath.Exp LaneMath.Exp LaneMath.Exp do
                let got = f [| -1e30f; 1e30f; 0.0f |]
                Expect.isTrue (got[0] > 0.0f && got[0] < 1e-37f) "far below"
                Expect.isTrue (Single.IsFinite got[1] && got[1] > 1e38f) "far above"
                Expect.equal got[2] 1.0f "e^0")
    ]

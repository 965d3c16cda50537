/// Attention over a window, one step and one value after the other.
module NtmLab.Tests.Models.Blocks.AttentionOracle

open System
open System.Numerics
open NtmLab.Tests
open TorchSharp

let dot (a: float[]) (b: float[]) : float = Array.fold2 (fun sum x y -> sum + x * y) 0.0 a b

/// The scores of scaled dot-product attention.
let scaledDot (queries: float[][]) (keys: float[][]) (t: int) (i: int) : float =
    dot queries[t] keys[i] / sqrt (float keys[i].Length)

/// What each step reads: the values of the steps that it sees, itself and context - 1 before it, by the softmax of their scores.
let attend (context: int) (score: int -> int -> float) (values: float[][]) : float[][] = [|
    for t in 0 .. values.Length - 1 do
        let seen = [| max 0 (t - context + 1) .. t |]
        let scores = seen |> Array.map (score t)
        let weights = scores |> Array.map (fun s -> exp (s - Array.max scores))

        [|
            for column in 0 .. values[t].Length - 1 ->
                Array.fold2 (fun sum w i -> sum + w * values[i][column]) 0.0 weights seen
                / Array.sum weights
        |]
|]

/// A vector turned to its position: values i and i + width / 2 as one complex number.
let turn (position: int) (vector: float[]) : float[] =
    let pairs = vector.Length / 2

    let turned =
        Array.init pairs (fun i ->
            let angle = float position * Math.Pow(10000.0, -2.0 * float i / float vector.Length)
            Complex(vector[i], vector[i + pairs]) * Complex.FromPolarCoordinates(1.0, angle))

    Array.append (turned |> Array.map _.Real) (turned |> Array.map _.Imaginary)

/// Every sequence and head of `[batch, heads, time, width]`, as `[time][width]`.
let sequences (tensor: torch.Tensor) : float[][][] = Tensors.values3 (tensor.flatten (0L, 1L))

/// The other way round.
let tensor (batch: int64) (sequences: float[][][]) : torch.Tensor =
    let time = int64 sequences[0].Length
    let heads = int64 sequences.Length / batch
    torch.tensor(sequences |> Array.collect Array.concat).view(batch, heads, time, -1L)

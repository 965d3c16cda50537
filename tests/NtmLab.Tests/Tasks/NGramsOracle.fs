/// What is known exactly of dynamic n-grams, from the counts of what followed each context.
module NtmLab.Tests.Tasks.NGramsOracle

open System.Numerics
open NtmLab.Tasks
open NtmLab.Tests

let private logarithm (number: bigint) : float = BigInteger.Log number / log 2.0

/// The sequences of a batch: their inputs with the last target, as whole numbers.
let sequences (batch: SequenceBatch) : int[][] =
    Array.map2
        (fun input target -> Array.append input [| Array.last target |] |> Array.map int)
        (Tensors.values2 batch.Input)
        (Tensors.values2 batch.Target)

/// Zeros and ones that followed a context in the first bits of a sequence.
let private followed (order: int) (bits: int[]) (until: int) (context: int[]) : int * int =
    let next = [
        for t in order - 1 .. until - 1 do
            if bits[t - order + 1 .. t - 1] = context then
                bits[t]
    ]

    next.Length - List.sum next, List.sum next

/// Each bit that is to be predicted, by its place, with the zeros and ones that followed its context before.
let predicted (order: int) (bits: int[]) : (int * (int * int))[] = [|
    for t in max 1 (order - 1) .. bits.Length - 1 -> t, followed order bits t bits[t - order + 1 .. t - 1]
|]

/// The optimal estimator's bits on a sequence, by exact fractions (N1 + 1/2) / (N0 + N1 + 1).
let estimatorBits (order: int) (bits: int[]) : float =
    let fractions = [
        for t, (zeros, ones) in predicted order bits ->
            let mine = if bits[t] = 1 then ones else zeros
            bigint (2 * mine + 1), bigint (2 * (zeros + ones) + 2)
    ]

    let product = Seq.fold (*) 1I

    logarithm (product (Seq.map snd fractions))
    - logarithm (product (Seq.map fst fractions))

let private factorial (number: int) : bigint = Seq.fold (*) 1I (seq { 1I .. bigint number })

/// The bits of the chance that a coin whose bias is drawn from Beta(1/2, 1/2) gives one sequence of so many zeros and ones:
/// B(N1 + 1/2, N0 + 1/2) / B(1/2, 1/2), with the gamma function of half numbers as factorials.
let coinBits (zeros: int) (ones: int) : float =
    let numerator = factorial (2 * zeros) * factorial (2 * ones)

    let denominator =
        BigInteger.Pow(4I, zeros + ones)
        * factorial zeros
        * factorial ones
        * factorial (zeros + ones)

    logarithm denominator - logarithm numerator

/// The bits of a sequence's chance: fair bits first, then a coin for each context.
let sequenceBits (order: int) (bits: int[]) : float =
    let contexts = [ for t in order - 1 .. bits.Length - 1 -> bits[t - order + 1 .. t - 1] ]

    float (order - 1)
    + (contexts
       |> List.distinct
       |> List.sumBy (fun context -> followed order bits bits.Length context ||> coinBits))

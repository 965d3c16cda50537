/// The equations of addressing as plain loops over doubles, written from the paper (Graves et al. 2014,
/// section 3.3) and from nothing in src: one key, weighting or memory at a time.
module NtmLab.Tests.Memory.AddressingOracle

/// The length of a vector, with the epsilon that keeps its gradient finite at zero.
let private norm (u: float[]) : float = sqrt (Array.sumBy (fun x -> x * x) u + 1e-16)

let private normalise (w: float[]) : float[] = w |> Array.map (fun x -> x / Array.sum w)

/// Equation 6, with the epsilon that keeps a zero vector's similarity finite.
let cosine (u: float[]) (v: float[]) : float = (Array.map2 (*) u v |> Array.sum) / (norm u * norm v + 1e-8)

/// Equation 5.
let content (key: float[]) (keyStrength: float) (memory: float[][]) : float[] =
    memory
    |> Array.map (fun slot -> exp (keyStrength * cosine key slot))
    |> normalise

/// Equation 7.
let interpolate (gate: float) (content: float[]) (previous: float[]) : float[] =
    Array.map2 (fun c p -> gate * c + (1.0 - gate) * p) content previous

/// Equation 8: what stood at i - j comes to i with weight s(j).
let shift (weighting: float[]) (shift: float[]) : float[] =
    let slots = weighting.Length
    let reach = (shift.Length - 1) / 2

    Array.init slots (fun i ->
        Seq.sum (
            seq {
                for j in -reach .. reach -> weighting[((i - j) % slots + slots) % slots] * shift[j + reach]
            }
        ))

/// Equation 9.
let sharpen (weighting: float[]) (sharpening: float) : float[] =
    weighting |> Array.map (fun w -> w ** sharpening) |> normalise

/// Equation 2.
let read (memory: float[][]) (weighting: float[]) : float[] =
    Array.init memory[0].Length (fun c ->
        Seq.sum (seq { for i in 0 .. memory.Length - 1 -> weighting[i] * memory[i][c] }))

/// Equations 3 and 4 with several heads: all erase, then all add.
let write (memory: float[][]) (weightings: float[][]) (erase: float[][]) (add: float[][]) : float[][] =
    let cell i c =
        let mutable value = memory[i][c]

        for head in 0 .. weightings.Length - 1 do
            value <- value * (1.0 - weightings[head][i] * erase[head][c])

        for head in 0 .. weightings.Length - 1 do
            value <- value + weightings[head][i] * add[head][c]

        value

    Array.init memory.Length (fun i -> Array.init memory[0].Length (cell i))

/// The equations of the Differentiable Neural Computer as plain loops over doubles, written from the papers (Graves et
/// al. 2016, methods; Csordas and Schmidhuber 2019) and from nothing in src: one sequence at a time.
module NtmLab.Tests.Memory.DncOracle

let private sum (count: int) (term: int -> float) : float = Seq.sumBy term (seq { 0 .. count - 1 })

/// psi(i) = prod_h (1 - f_h w_h(i)).
let retention (freeGates: float[]) (reads: float[][]) : float[] =
    Array.init reads[0].Length (fun i ->
        Array.fold2 (fun psi free (read: float[]) -> psi * (1.0 - free * read[i])) 1.0 freeGates reads)

/// u = (u' + w - u' w) psi.
let usage (last: float[]) (lastWrite: float[]) (retention: float[]) : float[] =
    Array.map3 (fun u w psi -> (u + w - u * w) * psi) last lastWrite retention

/// a[phi(j)] = (1 - u[phi(j)]) prod_{i < j} u[phi(i)].
let allocation (usage: float[]) : float[] =
    let free = List.sortBy (fun slot -> usage[slot]) [ 0 .. usage.Length - 1 ]
    let weighting = Array.zeroCreate usage.Length
    let mutable lessUsed = 1.0

    for slot in free do
        weighting[slot] <- (1.0 - usage[slot]) * lessUsed
        lessUsed <- lessUsed * usage[slot]

    weighting

/// w = g_w (g_a a + (1 - g_a) c).
let writeWeighting (writeGate: float) (allocationGate: float) (allocation: float[]) (content: float[]) =
    Array.map2 (fun a c -> writeGate * (allocationGate * a + (1.0 - allocationGate) * c)) allocation content

/// p = (1 - sum w) p' + w.
let precedence (last: float[]) (write: float[]) : float[] =
    let kept = 1.0 - Array.sum write
    Array.map2 (fun p w -> kept * p + w) last write

/// L[i, j] = (1 - w(i) - w(j)) L'[i, j] + w(i) p'(j), L[i, i] = 0.
let links (last: float[][]) (lastPrecedence: float[]) (write: float[]) : float[][] =
    let slots = write.Length

    Array.init slots (fun i ->
        Array.init slots (fun j ->
            if i = j then
                0.0
            else
                (1.0 - write[i] - write[j]) * last[i][j] + write[i] * lastPrecedence[j]))

/// f(i) = sum_j L[i, j] w(j).
let forward (links: float[][]) (read: float[]) : float[] =
    Array.init read.Length (fun i -> sum read.Length (fun j -> links[i][j] * read[j]))

/// b(i) = sum_j L[j, i] w(j).
let backward (links: float[][]) (read: float[]) : float[] =
    Array.init read.Length (fun i -> sum read.Length (fun j -> links[j][i] * read[j]))

/// w = pi(1) b + pi(2) c + pi(3) f.
let readWeighting (modes: float[]) (backward: float[]) (content: float[]) (forward: float[]) : float[] =
    Array.map3 (fun b c f -> modes[0] * b + modes[1] * c + modes[2] * f) backward content forward

/// The content weighting of k m over the slots M(i) m.
let maskedContent (key: float[]) (keyStrength: float) (mask: float[]) (memory: float[][]) : float[] =
    AddressingOracle.content
        (Array.map2 (*) key mask)
        keyStrength
        (memory |> Array.map (fun slot -> Array.map2 (*) slot mask))

/// (w(i) + 1e-6)^s, divided by the sum of all.
let sharpenLinks (weighting: float[]) (sharpening: float) : float[] =
    AddressingOracle.sharpen (weighting |> Array.map (fun w -> w + 1e-6)) sharpening

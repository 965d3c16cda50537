/// Sparse access memory as plain loops over doubles, written from the paper (Rae et al. 2016, section 3) and from nothing
/// in src: one sequence at a time.
module NtmLab.Tests.Memory.SparseOracle

/// What the controller tells one head.
type Head = { Query: float[]; Strength: float; WriteGate: float; Gate: float; Add: float[] }

/// A memory and all that is carried beside it; the first index of what was read and written is the head. `Accessed` says in
/// which step each slot was last accessed, `Now` which step comes.
type State = {
    Memory: float[][]
    Reads: float[][]
    Writes: float[][]
    Accessed: int[]
    Now: int
}

/// Nothing read; slot i of n was accessed n - i steps before the first.
let start (memory: float[][]) (heads: int) : State =
    let nothing = Array.init heads (fun _ -> Array.zeroCreate memory.Length)

    {
        Memory = memory
        Reads = nothing
        Writes = nothing
        Accessed = Array.init memory.Length (fun slot -> slot - memory.Length)
        Now = 0
    }

/// The n slots that were not accessed for longest; of equal ones the first.
let leastRecentlyUsed (accessed: int[]) (count: int) : int[] =
    [| 0 .. accessed.Length - 1 |]
    |> Array.sortBy (fun slot -> accessed[slot], slot)
    |> Array.take count

/// The n slots most similar to a key, the most similar first; of equal ones the first.
let nearest (key: float[]) (memory: float[][]) (count: int) : int[] =
    let similarities = memory |> Array.map (AddressingOracle.cosine key)

    [| 0 .. memory.Length - 1 |]
    |> Array.sortBy (fun slot -> -similarities[slot], slot)
    |> Array.take count

/// Whether more than rounding tells the n nearest slots from the others: slots that are equal since the start are told apart by
/// their order, but those that were written, and are equal or parallel since, by nothing.
let isClear (key: float[]) (start: float[][]) (memory: float[][]) (count: int) : bool =
    let slots = nearest key memory memory.Length
    let near, far = Array.splitAt count slots
    let similarity slot = AddressingOracle.cosine key memory[slot]

    Array.allPairs near far
    |> Array.forall (fun (a, b) ->
        similarity a - similarity b > 1e-9
        || (memory[a] = start[a] && memory[b] = start[b]))

/// The softmax over the nearest slots.
let read (key: float[]) (strength: float) (memory: float[][]) (count: int) : float[] =
    let slots = nearest key memory count

    let weights =
        slots
        |> Array.map (fun slot -> exp (strength * AddressingOracle.cosine key memory[slot]))

    let weighting = Array.zeroCreate memory.Length

    for slot, weight in Array.zip slots weights do
        weighting[slot] <- weight / Array.sum weights

    weighting

/// One step: the least recently used slots are set to zero, every head writes, then every head reads K slots.
let step (count: int) (heads: Head[]) (last: State) : State =
    let least = leastRecentlyUsed last.Accessed heads.Length

    let writes =
        heads
        |> Array.mapi (fun h head ->
            last.Reads[h]
            |> Array.mapi (fun slot read ->
                let unused = if slot = least[h] then 1.0 else 0.0
                head.WriteGate * (head.Gate * read + (1.0 - head.Gate) * unused)))

    let memory =
        last.Memory
        |> Array.mapi (fun slot row ->
            row
            |> Array.mapi (fun m value ->
                let kept = if Array.contains slot least then 0.0 else value

                let mutable sum = kept

                for h in 0 .. heads.Length - 1 do
                    sum <- sum + writes[h].[slot] * heads[h].Add[m]

                sum))

    let reads = heads |> Array.map (fun head -> read head.Query head.Strength memory count)

    let accessed =
        last.Accessed
        |> Array.mapi (fun slot before ->
            if Array.exists (fun (w: float[]) -> w[slot] > 0.005) (Array.append writes reads) then
                last.Now
            else
                before)

    {
        Memory = memory
        Reads = reads
        Writes = writes
        Accessed = accessed
        Now = last.Now + 1
    }

/// Least recently used access as plain loops over doubles, written from the paper (Santoro et al. 2016, section 3)
/// and from nothing in src: one sequence at a time.
module NtmLab.Tests.Memory.LruaOracle

/// The slots of the n smallest usages; of equal ones the first.
let leastUsed (usage: float[]) (count: int) : float[] =
    let slots =
        [ 0 .. usage.Length - 1 ]
        |> List.sortBy (fun slot -> usage[slot])
        |> List.take count

    Array.init usage.Length (fun slot -> if List.contains slot slots then 1.0 else 0.0)

/// Equation 7.
let writeWeighting (gate: float) (lastRead: float[]) (leastUsed: float[]) : float[] =
    Array.map2 (fun read least -> gate * read + (1.0 - gate) * least) lastRead leastUsed

/// Equations 2 and 3.
let readWeighting (key: float[]) (memory: float[][]) : float[] = AddressingOracle.content key 1.0 memory

/// Equation 5.
let usage (decay: float) (last: float[]) (reads: float[][]) (writes: float[][]) : float[] =
    last
    |> Array.mapi (fun slot used ->
        decay * used
        + Array.sumBy (Array.item slot) reads
        + Array.sumBy (Array.item slot) writes)

/// A memory and all that is carried beside it; the first index of what was read and written is the head.
type State = { Memory: float[][]; Usage: float[]; Reads: float[][]; Writes: float[][] }

/// Nothing used, read or written.
let start (memory: float[][]) (heads: int) : State =
    let nothing () = Array.init heads (fun _ -> Array.zeroCreate memory.Length)

    {
        Memory = memory
        Usage = Array.zeroCreate memory.Length
        Reads = nothing ()
        Writes = nothing ()
    }

/// One step: the least used slots are set to zero, then every head adds its key (equation 8), then they read.
let step (decay: float) (keys: float[][]) (gates: float[]) (last: State) : State =
    let least = leastUsed last.Usage keys.Length
    let writes = Array.map2 (fun gate read -> writeWeighting gate read least) gates last.Reads

    let memory =
        last.Memory
        |> Array.mapi (fun slot values ->
            let emptied =
                if least[slot] = 1.0 then
                    Array.map (fun _ -> 0.0) values
                else
                    values

            Array.fold2
                (fun row (write: float[]) key -> Array.map2 (fun x k -> x + write[slot] * k) row key)
                emptied
                writes
                keys)

    let reads = keys |> Array.map (fun key -> readWeighting key memory)

    {
        Memory = memory
        Usage = usage decay last.Usage reads writes
        Reads = reads
        Writes = writes
    }

module NtmLab.Tests.Kernels.SlotScanTests

#nowarn "9"

open Expecto
open FSharp.NativeInterop
open NtmLab
open NtmLab.Kernels
open NtmLab.Tests.Memory

let private shape (slots: int) (width: int) (heads: int) (nearest: int) (blank: float32) =
    SparseShape(1, 1, CellKind.Lstm, 1, 1, slots, width, heads, nearest, blank)

/// Numbers of few bits, whose products and sums are exact in every order: equal similarities are equal to the last bit.
let private coarse (random: RandomStream) (count: int) : float32[] =
    Array.init count (fun _ -> float32 (random.Next(-3, 4)))

/// The slots that a scan finds for each head, by width of lanes.
let private scan<'T when 'T: unmanaged and 'T :> ILanes<'T>>
    (shape: SparseShape)
    (fill: SparseMemory<'T> -> unit)
    (queries: float32[][])
    : int[][] =
    use memory = new SparseMemory<'T>(shape)
    fill memory
    use search = new SlotScan<'T>(shape, memory)
    let stride = (shape.Width + 'T.Count - 1) / 'T.Count * 'T.Count
    let padded = Array.zeroCreate (queries.Length * stride)
    queries |> Array.iteri (fun head query -> query.CopyTo(padded, head * stride))
    let found = Array.zeroCreate<int>(queries.Length * shape.Nearest)
    use queries = fixed padded
    use slots = fixed found
    search.Search(queries, slots)
    Array.chunkBySize shape.Nearest found

let private start (memory: float32[]) (target: SparseMemory<'T>) : unit =
    use pointer = fixed memory
    target.Start pointer

/// Everything with every width of lanes.
let private everyWidth (shape: SparseShape) (memory: float32[]) (queries: float32[][]) = [
    "scalar", scan<Lanes1> shape (start memory) queries
    "128 bits", scan<Lanes128> shape (start memory) queries
    "256 bits", scan<Lanes256> shape (start memory) queries
    "512 bits", scan<Lanes512> shape (start memory) queries
]

/// Cosines rounded where the epsilons and single precision cannot tell them apart.
let private expected (memory: float32[]) (width: int) (nearest: int) (query: float32[]) : int[] =
    let rows = memory |> Array.map float |> Array.chunkBySize width

    let similarities =
        rows
        |> Array.map (fun row -> round (1e6 * AddressingOracle.cosine (Array.map float query) row))

    [| 0 .. rows.Length - 1 |]
    |> Array.sortBy (fun slot -> -similarities[slot], slot)
    |> Array.take nearest

let tests =
    testList "SlotScan" [
        test
            "finds the most similar slots in their order, and of equal ones the first, with every width of lanes" {
            for seed in 1UL .. 60UL do
                let random = RandomStream(seed, "scan")
                let slots, width, heads = random.Next(1, 300), random.Next(1, 12), random.Next(1, 4)
                let nearest = random.Next(1, min 20 slots + 1)
                // Without zero vectors, whose similarity only rounding tells from that of orthogonal ones.
                let memory =
                    coarse random (slots * width)
                    |> Array.mapi (fun i x -> if i % width = 0 then 1.0f else x)

                let queries = Array.init heads (fun _ -> coarse random width)

                for name, found in everyWidth (shape slots width heads nearest 0.0f) memory queries do
                    for query, slots in Array.zip queries found do
                        let similarity slot =
                            let row = memory[slot * width .. (slot + 1) * width - 1]
                            AddressingOracle.cosine (Array.map float query) (Array.map float row)

                        let expected = expected memory width nearest query
                        Expect.equal (Array.distinct slots).Length nearest "no slot twice"

                        for got, wanted in Array.zip slots expected do
                            let difference = abs (similarity got - similarity wanted)
                            Expect.isLessThan difference 1e-6 $"{name}, seed {seed}: {slots} and {expected}"
        }

        test "finds slots of equal contents in their order" {
            for slots in [ 5; 64; 133 ] do
                let random = RandomStream(uint64 slots, "equal")
                let content = Array.init 7 (fun _ -> float32 (random.NextUniform(-1.0, 1.0)))
                let memory = Array.init slots (fun _ -> content) |> Array.concat
                let query = Array.init 7 (fun _ -> float32 (random.NextUniform(-1.0, 1.0)))

                for name, found in everyWidth (shape slots 7 1 5 0.0f) memory [| query |] do
                    Expect.equal found[0] [| 0..4 |] name
        }

        test "finds the first blank slots after those that are held, but none beyond the last" {
            let held = [| 0.0f; 1.0f; 0.0f; -1.0f |]
            let query = [| [| 1.0f; 0.0f |] |]

            let found (slots: int) (nearest: int) =
                scan<Lanes256>
                    (shape slots 2 1 nearest 1.0f)
                    (fun memory ->
                        memory.Start()
                        memory.Hold 2
                        use rows = fixed held
                        memory.Put(0, rows, 1.0f)
                        memory.Put(1, NativePtr.add rows 2, 1.0f))
                    query

            Expect.equal (found 1000 3).[0] [| 2; 3; 4 |] "blank slots are more similar"
            Expect.equal (found 4 4).[0] [| 2; 3; 0; 1 |] "there are only two"
        }
    ]

module NtmLab.Tests.Kernels.SparseAccessTests

#nowarn "9"

open System
open Expecto
open FSharp.NativeInterop
open NtmLab
open NtmLab.Kernels

/// A search that counts how often it is asked.
type private CountingSearch(inner: ISlotSearch) =
    member val Searches = 0 with get, set

    interface ISlotSearch with
        member _.Bytes = inner.Bytes
        member _.Start() = inner.Start()
        member _.Put(slot, row) = inner.Put(slot, row)

        member this.Search(queries, found) =
            this.Searches <- this.Searches + 1
            inner.Search(queries, found)

        member _.Dispose() = inner.Dispose()

let private shape = SparseShape(1, 1, CellKind.Lstm, 1, 1, 23, 6, 2, 3, Nullable 0.1f, IndexAbove = 0)

/// One memory with the interface values of many steps.
type private Played(find: SparseMemory<Lanes256> -> ISlotSearch) =
    let steps = 90
    let heads = SparseInterface<Lanes256> shape
    let mutable search = Unchecked.defaultof<CountingSearch>

    let access =
        new SparseAccess<Lanes256>(
            shape,
            heads,
            SegmentPlan(steps, steps, true),
            fun memory ->
                search <- new CountingSearch(find memory)
                search
        )

    let random = RandomStream(1UL, "played")

    let values =
        Array.init steps (fun _ ->
            let told =
                Array.init (shape.InterfaceSize + 8) (fun _ -> float32 (random.NextUniform(-3.0, 3.0)))

            use pointer = fixed told
            heads.Forward pointer
            told)

    member _.Steps = steps
    member _.Access = access
    member _.Searches = search.Searches

    /// Takes a step; gives what was read.
    member _.Take(step: int, choose: bool) : float32[] =
        let reads = Array.zeroCreate<float32>(shape.ReadHeads * shape.Width)
        use told = fixed values[step]
        use target = fixed reads
        access.Write(step, told, choose)

        if choose then
            access.Choose(step, told)

        access.Read(step, told, choose, target)
        reads

    /// Memory, what was read last and usage, after some steps.
    member _.State(steps: int) : float32[] * float32[] * float32[] =
        let memory = Array.zeroCreate (shape.Slots * shape.Width)
        let reads = Array.zeroCreate (shape.ReadHeads * shape.Slots)
        let usage = Array.zeroCreate shape.Slots
        use m = fixed memory
        use r = fixed reads
        use u = fixed usage
        access.Finish(steps, m, r, u)
        memory, reads, usage

    interface IDisposable with
        member _.Dispose() = access.Dispose()

let private bits (values: float32[]) : int[] = values |> Array.map BitConverter.SingleToInt32Bits

let private memoryOf (played: Played) : int[] =
    let memory, _, _ = played.State 1
    bits memory

let private starts: (string * (Played -> unit)) list = [
    "a fresh sequence", _.Access.Start()
    "a sequence from a state",
    fun played ->
        let random = RandomStream(2UL, "state")
        let draw count low high = Array.init count (fun _ -> float32 (random.NextUniform(low, high)))
        let memory = draw (shape.Slots * shape.Width) -1.0 1.0
        let reads = draw (shape.ReadHeads * shape.Slots) 0.0 0.1
        let usage = draw shape.Slots -9.0 -1.0
        use m = fixed memory
        use r = fixed reads
        use u = fixed usage
        played.Access.Start(m, r, u)
]

/// Every start with every search; the index is made with the third search.
let private cases: (string * (Played -> unit) * (SparseMemory<Lanes256> -> ISlotSearch)) list = [
    for name, start in starts do
        name, start, (fun memory -> new SlotScan<Lanes256>(shape, memory))

        if isNull SlotIndexLibrary.Fault then
            $"{name} with an index", start, (fun memory -> new IndexedSearch<Lanes256>(shape, memory, 4))
]

let tests =
    testList "SparseAccess" [
        for name, start, find in cases do
            test $"undoing the steps of {name} gives back every memory bit for bit" {
                use played = new Played(find)
                start played
                played.Take(0, true) |> ignore

                let memories = [|
                    for step in 1 .. played.Steps - 1 do
                        memoryOf played
                        played.Take(step, true) |> ignore
                |]

                for step in played.Steps - 1 .. -1 .. 1 do
                    played.Access.Undo step
                    Expect.isTrue (memoryOf played = memories[step - 1]) $"before step {step}"
            }

            test $"steps of {name} that are taken again read and write the same bits, and search nothing" {
                use played = new Played(find)
                start played
                let reads = [| for step in 0 .. played.Steps - 1 -> bits (played.Take(step, true)) |]
                let _, weightings, usage = played.State played.Steps
                let last = memoryOf played
                Expect.equal played.Searches played.Steps "one search a step"

                for first in [ 40; 0 ] do
                    for step in played.Steps - 1 .. -1 .. first do
                        played.Access.Undo step

                    for step in first .. played.Steps - 1 do
                        Expect.equal (bits (played.Take(step, false))) reads[step] $"what step {step} reads"

                let _, weightingsAgain, usageAgain = played.State played.Steps
                Expect.isTrue (memoryOf played = last) "the memory"
                Expect.equal weightingsAgain weightings "what was read last"
                Expect.equal usageAgain usage "when slots were accessed"
                Expect.equal played.Searches played.Steps "no search again"
            }
    ]

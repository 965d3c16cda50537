module NtmLab.Tests.Kernels.IndexedSearchTests

#nowarn "9"

open System
open Expecto
open FSharp.NativeInterop
open NtmLab
open NtmLab.Kernels

let private width = 8
let private nearest = 3

let private shapeAbove (above: int) (slots: int) (heads: int) (blank: Nullable<float32>) =
    SparseShape(1, 1, CellKind.FeedForward, 1, 1, slots, width, heads, nearest, blank, IndexAbove = above)

let private shape = shapeAbove 0

let private draw (random: RandomStream) : float32[] =
    Array.init width (fun _ -> float32 (random.NextUniform(-1.0, 1.0)))

/// A memory, full of what is given, with a search by index and one that looks at every slot.
type private Indexed(shape: SparseShape, rows: float32[][] option, scansBefore: int) =
    let memory = new SparseMemory<Lanes256>(shape)

    do
        match rows with
        | Some rows ->
            use contents = fixed Array.concat rows
            memory.Start contents
        | None -> memory.Start()

    let index = new IndexedSearch<Lanes256>(shape, memory, scansBefore)
    let scan = new SlotScan<Lanes256>(shape, memory)

    let ask (search: ISlotSearch) (queries: float32[][]) : int[][] =
        // Each query takes whole rows of eight lanes: its width is eight.
        let found = Array.zeroCreate<int>(queries.Length * nearest)
        use asked = fixed Array.concat queries
        use slots = fixed found
        search.Search(asked, slots)
        Array.chunkBySize nearest found

    member _.Index = index
    member _.Find(queries: float32[][]) = ask index queries
    member _.Expected(queries: float32[][]) = ask scan queries

    member _.Put(slot: int, row: float32[]) : unit =
        use contents = fixed row
        memory.Hold(slot + 1)
        memory.Put(slot, contents, SparseMemory<Lanes256>.Norm(contents, width))
        index.Put(slot, contents)

    interface IDisposable with
        member _.Dispose() =
            index.Dispose()
            scan.Dispose()
            memory.Dispose()

/// The share of the nearest slots that are found.
let private recall (indexed: Indexed) (random: RandomStream) : float =
    let queries = [| for _ in 1..100 -> [| draw random; draw random |] |]

    queries
    |> Array.averageBy (fun queries ->
        Array.zip (indexed.Find queries) (indexed.Expected queries)
        |> Array.averageBy (fun (found, expected) ->
            float (Set.intersect (set found) (set expected)).Count / float nearest))

let private many (random: RandomStream) : Indexed =
    new Indexed(shape 3000 2 (Nullable()), Some(Array.init 3000 (fun _ -> draw random)), 0)

let private whereItLoads (name: string) (body: unit -> unit) : Test =
    testCase name (fun () ->
        match SlotIndexLibrary.Fault with
        | null -> body ()
        | fault -> skiptest $"THE APPROXIMATE INDEX IS NOT TESTED: its library does not load here ({fault})")

let tests =
    testList "IndexedSearch" [
        whereItLoads
            "finds nearly all of the nearest slots, and still does when every row was replaced"
            (fun () ->
                let random = RandomStream(1UL, "index")
                use indexed = many random
                Expect.isGreaterThan (recall indexed random) 0.97 "at first"
                Expect.isTrue indexed.Index.IsIndexed "there is an index"

                for slot in 0..2999 do
                    indexed.Put(slot, draw random)

                Expect.isGreaterThan (recall indexed random) 0.93 "after replacing")

        whereItLoads "what it finds is in the order of exact similarity, no slot twice" (fun () ->
            let random = RandomStream(2UL, "index")
            use indexed = many random

            for _ in 1..200 do
                let queries = [| draw random; draw random |]

                for found, expected in Array.zip (indexed.Find queries) (indexed.Expected queries) do
                    Expect.equal (Array.distinct found).Length nearest "no slot twice"

                    if set found = set expected then
                        Expect.equal found expected "the order of a scan")

        whereItLoads
            "a row that was written is found by its own contents, however little or much it turned"
            (fun () ->
                let random = RandomStream(3UL, "index")
                use indexed = many random
                indexed.Find [| draw random; draw random |] |> ignore

                for turn in [ 0.001; 0.01; 0.1; 1.0 ] do
                    let slot = random.Next 3000
                    let row = draw random
                    indexed.Put(slot, row)

                    let turned =
                        row |> Array.map (fun x -> x + float32 (turn * random.NextUniform(-1.0, 1.0)))

                    indexed.Put(slot, turned)
                    let found = indexed.Find [| turned; turned |]
                    Expect.equal [ found[0][0]; found[1][0] ] [ slot; slot ] $"turned by {turn}")

        whereItLoads "the first blank slots are found where they are the nearest" (fun () ->
            let random = RandomStream(4UL, "index")
            use indexed = new Indexed(shape 500 1 (Nullable 0.5f), None, 0)

            for slot in 0..99 do
                indexed.Put(slot, draw random |> Array.map (fun x -> -abs x))

            let alike = Array.create width 1.0f
            Expect.equal (indexed.Find [| alike |]) [| [| 100; 101; 102 |] |] "the blank ones"
            let opposite = Array.create width -1.0f
            Expect.equal (indexed.Find [| opposite |]) (indexed.Expected [| opposite |]) "the written ones")

        whereItLoads "rows and queries of zeros, which have no direction, get as many slots as any" (fun () ->
            let random = RandomStream(5UL, "index")
            let zeros = Array.zeroCreate width

            let rows = [| for slot in 0..9 -> if slot < 8 then Array.zeroCreate width else draw random |]
            use indexed = new Indexed(shape 10 1 (Nullable()), Some rows, 0)
            let first query = Array.head (indexed.Find [| query |])
            let query = draw random
            Expect.equal (Array.distinct (first query)).Length nearest "slots"
            Expect.equal (Array.distinct (first zeros)).Length nearest "slots of a query of zeros"
            indexed.Put(0, query)
            Expect.equal (Array.head (first query)) 0 "a row that was zeros"
            indexed.Put(0, zeros)
            Expect.notEqual (Array.head (first query)) 0 "a row that is zeros again")

        whereItLoads "the same calls find the same slots" (fun () ->
            let play () =
                let random = RandomStream(6UL, "index")
                use indexed = many random

                [
                    for _ in 1..300 do
                        indexed.Put(random.Next 3000, draw random)
                        yield! indexed.Find [| draw random; draw random |]
                ]

            Expect.equal (play ()) (play ()) "twice")

        whereItLoads "an index is made after so many scans, and not kept for another sequence" (fun () ->
            let random = RandomStream(7UL, "index")
            let rows = Some(Array.init 400 (fun _ -> draw random))
            use indexed = new Indexed(shape 400 2 (Nullable()), rows, 6)

            let states = [
                for _ in 1..4 do
                    indexed.Find [| draw random; draw random |] |> ignore
                    indexed.Index.IsIndexed
            ]

            Expect.equal states [ false; false; false; true ] "two queries each"
            Expect.isGreaterThan indexed.Index.Bytes 0L "what it holds"
            indexed.Index.Start()
            Expect.isFalse indexed.Index.IsIndexed "for another sequence")

        whereItLoads "few slots are never indexed" (fun () ->
            let random = RandomStream(8UL, "index")

            use indexed =
                new Indexed(shapeAbove 50 50 1 (Nullable()), Some(Array.init 50 (fun _ -> draw random)), 0)

            indexed.Find [| draw random |] |> ignore
            Expect.isFalse indexed.Index.IsIndexed "50 of 50 slots")

        testCase "measuring refuses nothing that it can do, and finds sane numbers" (fun () ->
            if isNull SlotIndexLibrary.Fault then
                let random = RandomStream(9UL, "index")

                let cost =
                    IndexMeasurement.Run(
                        500,
                        width,
                        nearest,
                        50,
                        200,
                        fun row ->
                            for i in 0 .. row.Length - 1 do
                                row[i] <- float32 (random.NextUniform(-1.0, 1.0))
                    )

                Expect.isGreaterThan cost.Recall 0.95 "recall"
                Expect.isGreaterThan cost.RecallAfterReplacing 0.9 "recall after replacing"

                for time in
                    [
                        cost.MakeMicroseconds
                        cost.PutMicroseconds
                        cost.SearchMicroseconds
                        cost.ScanMicroseconds
                    ] do
                    Expect.isGreaterThan time 0.0 "a time")
    ]

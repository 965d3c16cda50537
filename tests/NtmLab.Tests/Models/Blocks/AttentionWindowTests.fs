module NtmLab.Tests.Models.Blocks.AttentionWindowTests

open System
open Expecto
open NtmLab
open NtmLab.Models.Blocks
open NtmLab.Tests
open TorchSharp

let private read = AttentionRead(fun q k v visible -> AttentionBlock.DotProductRead(q, k, v, visible))

let private batch, heads, width, valueWidth = 2, 3, 4, 2

/// Queries, keys and values of some steps.
let private parts (seed: uint64) (time: int) =
    let draw purpose width =
        Tensors.uniform (RandomStream(seed, purpose)) -2.0 2.0 [ batch; heads; time; width ]

    draw "query" width, draw "key" width, draw "value" valueWidth

let private fromStart (context: int) (q: torch.Tensor, k, v) : torch.Tensor =
    AttentionWindow(context, q.shape[2], torch.CPU).Attend(q, k, v, read)

let private expected (context: int) (q: torch.Tensor, k, v) : torch.Tensor =
    (AttentionOracle.sequences q, AttentionOracle.sequences k, AttentionOracle.sequences v)
    |||> Array.map3 (fun q k -> AttentionOracle.attend context (AttentionOracle.scaledDot q k))
    |> AttentionOracle.tensor q.shape[0]

let private nothing (context: int) : AttentionCache * torch.Tensor =
    let zeros width =
        torch.zeros ([| int64 batch; int64 heads; int64 context - 1L; int64 width |], torch.float64)

    AttentionCache(zeros width, zeros valueWidth), torch.zeros (int64 batch, 1L, torch.int64)

/// The steps from one on, up to another.
let private slice (first: int64) (last: int64) (q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) =
    let cut (steps: torch.Tensor) = steps.narrow (2L, first, last - first)
    cut q, cut k, cut v

let private goOn (context: int) (cache: AttentionCache, position: torch.Tensor) (q: torch.Tensor, k, v) =
    let window = AttentionWindow(context, q.shape[2], position)
    let struct (result, next) = window.Attend(q, k, v, cache, read)
    result, (next, window.Position)

let private lengths (context: int) =
    List.distinct [
        1
        max 1 (context - 1)
        context
        context + 1
        2 * context
        2 * context + 3
        5 * context + 2
    ]

let tests =
    testList "AttentionWindow" [
        for context in [ 1; 2; 5 ] do
            test $"reads what a loop over the last {context} steps reads, for any number of steps" {
                use scope = torch.NewDisposeScope()

                for time in lengths context do
                    let all = parts 1UL time
                    let difference = Tensors.distance (fromStart context all) (expected context all)
                    Expect.isLessThan difference 1e-12 $"{time} steps"
            }

            test $"reads the same from the last {context} steps when sequences are cut anywhere" {
                use scope = torch.NewDisposeScope()

                for time in lengths context do
                    let all = parts 2UL time
                    let whole = fromStart context all

                    for cut in 1L .. int64 time - 1L do
                        let first, state = goOn context (nothing context) (slice 0L cut all)
                        let second, _ = goOn context state (slice cut (int64 time) all)
                        let difference = Tensors.distance (torch.cat ([| first; second |], 2L)) whole
                        Expect.isLessThan difference 1e-12 $"{cut} of {time} steps"
            }

        test "goes on from sequences that have had different numbers of steps" {
            use scope = torch.NewDisposeScope()
            let context = 5
            let all = parts 3UL 12
            let wholes = fromStart context all
            // The first sequence has had 2 steps, the second 7; both go on with 4.
            let after steps = snd (goOn context (nothing context) (slice 0L steps all))

            let mix (a: torch.Tensor) (b: torch.Tensor) =
                torch.cat ([| a.narrow (0L, 0L, 1L); b.narrow (0L, 1L, 1L) |], 0L)

            let (early, earlyPosition), (late, latePosition) = after 2L, after 7L
            let cache = AttentionCache(mix early.Keys late.Keys, mix early.Values late.Values)
            let (q, k, v), (q', k', v') = slice 2L 6L all, slice 7L 11L all

            let result, (_, position) =
                goOn context (cache, mix earlyPosition latePosition) (mix q q', mix k k', mix v v')

            let expected = mix (wholes.narrow (2L, 2L, 4L)) (wholes.narrow (2L, 7L, 4L))
            Expect.isLessThan (Tensors.distance result expected) 1e-12 "as if alone"
            Expect.equal (Tensors.values position) [| 6.0; 11.0 |] "each has its own position"
        }

        test "numbers the steps from the first one ever" {
            let steps (window: AttentionWindow) = Tensors.values window.Steps
            Expect.equal (steps (AttentionWindow(4, 3L, torch.CPU))) [| 0.0; 1.0; 2.0 |] "from the start"
            let position = torch.tensor ([| 5L; 9L |], 2L, 1L)

            Expect.equal
                (steps (AttentionWindow(4, 2L, position)))
                [| 5.0; 6.0; 9.0; 10.0 |]
                "after 5 and 9 steps"
        }

        test "makes scores in proportion to the length of the sequence" {
            use scope = torch.NewDisposeScope()
            let context = 8
            let mutable scores = 0L

            let counting =
                AttentionRead(fun q k v visible ->
                    scores <- scores + (q.numel () / q.shape[3]) * k.shape[2]
                    read.Invoke(q, k, v, visible))

            for time in [ 8; 80; 800 ] do
                scores <- 0L
                let q, k, v = parts 4UL time

                AttentionWindow(context, int64 time, torch.CPU).Attend(q, k, v, counting)
                |> ignore

                let most = int64 (batch * heads * time * 2 * context)
                Expect.isLessThanOrEqual scores most $"{time} steps"
        }

        test "shows a query what is no farther than its context, and nothing later" {
            let visible = AttentionWindow.Visible(3L, 5L, 3L, torch.CPU)
            let expected = [| 1; 1; 1; 0; 0; 0; 1; 1; 1; 0; 0; 0; 1; 1; 1 |]

            Expect.equal
                (Tensors.values visible)
                (Array.map float expected)
                "3 queries at the last 3 of 5 keys"
        }
    ]

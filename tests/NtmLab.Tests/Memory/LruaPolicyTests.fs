module NtmLab.Tests.Memory.LruaPolicyTests

open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Tests
open NtmLab.Tests.Memory.AddressingCase
open NtmLab.Tests.Memory.PolicyStep
open TorchSharp

let private logistic (x: float) : float = 1.0 / (1.0 + exp -x)

let private asLoops =
    law "memory, weightings and usage are the paper's over many steps" (fun case ->
        let slots = max case.Slots case.Heads
        use policy = new LruaPolicy(case.Width, case.Heads, 0.95)
        let random = RandomStream(case.Seed, "lrua policy")
        // Slots differ in all that decides which one is used least, so that rounding does not.
        let memory = Tensors.uniform random -1.0 1.0 [ case.Batch; slots; case.Width ]
        let usage = Tensors.uniform random 0.0 2.0 [ case.Batch; 1; slots ]
        let reads = Tensors.weightings random [ case.Batch; case.Heads; slots ]
        let mutable carried = memory, policy.Start(memory).With [| usage; reads |]

        let mutable oracle =
            Array.map3
                (fun memory used reads -> {
                    LruaOracle.start memory case.Heads with
                        Usage = Array.exactlyOne used
                        Reads = reads
                })
                (Tensors.values3 memory)
                (Tensors.values3 usage)
                (Tensors.values3 reads)

        for _ in 1..4 do
            let keys =
                Array.init case.Batch (fun _ ->
                    Array.init case.Heads (fun _ ->
                        Array.init case.Width (fun _ -> random.NextUniform(-1.0, 1.0))))

            let gates =
                Array.init case.Batch (fun _ ->
                    Array.init case.Heads (fun _ -> random.NextUniform(-3.0, 3.0)))

            let values =
                Tensors.rows [
                    for b in 0 .. case.Batch - 1 ->
                        List.ofArray (Array.append (Array.concat keys[b]) gates[b])
                ]

            let write, read, next = take policy (values.squeeze 0L) carried
            carried <- next

            oracle <-
                Array.map3
                    (fun keys gates -> LruaOracle.step 0.95 keys (Array.map logistic gates))
                    keys
                    gates
                    oracle

            let state = snd carried :?> LruaPolicyState
            equals case (write.Weighting.narrow (1L, 0L, int64 case.Heads)) (fun b -> oracle[b].Writes)
            equals case read.Weighting (fun b -> oracle[b].Reads)
            equals case (fst carried) (fun b -> oracle[b].Memory)
            equals case state.Usage (fun b -> [| oracle[b].Usage |]))

/// Plays keys and gates of one head on a memory; gives the memory after each step.
let private play (memory: float list list) (steps: (float list * float) list) : float[][] list =
    use scope = torch.NewDisposeScope()
    use policy = new LruaPolicy(memory.Head.Length, 1, 0.95)
    let memory = Tensors.rows memory
    let mutable carried = memory, policy.Start memory

    [
        for key, gate in steps do
            let _, _, next = take policy ((Tensors.rows [ key @ [ gate ] ]).squeeze 0L) carried
            carried <- next
            (Tensors.values3 (fst carried))[0]
    ]

let private drawn =
    testList "drawn" [
        // step      before   write a   write b   write c   write d
        // slot 0      7         a         a         a         d
        // slot 1      8         8         b         b         b
        // slot 2      9         9         9         c         c
        test "new keys replace the slots in turn, and the oldest is the first to go" {
            let a, b, c, d = [ 1.0; 0.0 ], [ -1.0; 0.5 ], [ 0.0; 1.0 ], [ -1.0; -1.0 ]
            let key = List.toArray

            let memories =
                play [ [ 0.0; 7.0 ]; [ 0.0; 8.0 ]; [ 0.0; 9.0 ] ] [ for k in [ a; b; c; d ] -> k, closed ]

            Expect.equal
                memories[0]
                [| key a; [| 0.0; 8.0 |]; [| 0.0; 9.0 |] |]
                "the first key erases the first slot"

            Expect.equal memories[2] [| key a; key b; key c |] "every slot has its key"
            Expect.equal memories[3] [| key d; key b; key c |] "the oldest key is gone"
        }

        test "an open gate adds the key to what was read last, and still empties the least used slot" {
            let memories = play [ [ 1.0; 0.0 ]; [ 0.0; 1.0 ] ] [ [ 2.0; 0.0 ], closed; [ 0.0; 4.0 ], opened ]

            Expect.equal memories[0] [| [| 2.0; 0.0 |]; [| 0.0; 1.0 |] |] "the first slot is the least used"
            // Read with [2, 0]: similarities 1 and 0. Slot 1 is the least used one then.
            let read = exp 1.0 / (exp 1.0 + 1.0)

            for actual, expected in
                Array.zip (Array.concat memories[1]) [| 2.0; 4.0 * read; 0.0; 4.0 * (1.0 - read) |] do
                Expect.isLessThan (abs (actual - expected)) 1e-7 "the key under the last read weighting"
        }

        test "all heads erase before any adds: an erased slot holds nothing but what is added" {
            use scope = torch.NewDisposeScope()
            use policy = new LruaPolicy(2, 2, 0.95)
            let memory = Tensors.rows [ [ 5.0; 5.0 ]; [ 6.0; 6.0 ]; [ 7.0; 7.0 ] ]
            let values = Tensors.rows [ [ 1.0; 2.0; 10.0; 20.0; closed; closed ] ]
            let write, _, (after, _) = take policy (values.squeeze 0L) (memory, policy.Start memory)

            Expect.equal
                (Tensors.values3 write.Weighting |> Array.head)
                [| [| 1.0; 1.0; 0.0 |]; [| 1.0; 1.0; 0.0 |]; [| 1.0; 1.0; 0.0 |] |]
                "both heads write to the two least used slots, and the last one erases them"

            Expect.equal
                (Tensors.values3 after |> Array.head)
                [| [| 11.0; 22.0 |]; [| 11.0; 22.0 |]; [| 7.0; 7.0 |] |]
                "the sum of both keys"
        }
    ]

let private invariants = [
    law "nothing is used or read before the first step" (fun case ->
        use policy = new LruaPolicy(case.Width, case.Heads, 0.95)

        for part in policy.Start(Operands(case).Memory).Tensors do
            Expect.all (Tensors.values part) ((=) 0.0) "zero")

    for magnitude in [ 1.0; 100.0 ] do
        law $"reads keep weightings and usage its bounds over many steps, said up to {magnitude}" (fun case ->
            let slots = max case.Slots case.Heads
            use policy = new LruaPolicy(case.Width, case.Heads, 0.5)
            let random = RandomStream(case.Seed, "bounds")

            let memory =
                torch.full ([| int64 case.Batch; int64 slots; int64 case.Width |], (1e-6).ToScalar())

            let mutable carried = memory, policy.Start memory

            for _ in 1..5 do
                let values = Tensors.uniform random -magnitude magnitude [ case.Batch; policy.InterfaceSize ]

                let _, read, next = take policy (values.``to`` torch.float32) carried
                carried <- next
                isWeighting read.Weighting 1e-5 "the read weighting"
                let usage = (snd carried :?> LruaPolicyState).Usage
                // Each head adds at most 1 for its write and 1 for its read; half of all is left after a step.
                let most = 4.0 * float case.Heads + 1e-4
                Expect.all (Tensors.values usage) (fun u -> u >= 0.0 && u <= most) "usage"
                Expect.isTrue ((fst carried).isfinite().all().ToBoolean()) "the memory is finite")
]

let private sizes =
    testList "sizes" [
        test "the interface holds a key and a gate for each head" {
            use policy = new LruaPolicy(20, 4, 0.95)
            Expect.equal policy.InterfaceSize (4 * 20 + 4) "keys and gates"
        }

        test "there must be a slot for each head" {
            use policy = new LruaPolicy(3, 4, 0.95)
            Expect.equal policy.LeastSlots 4 "each head writes to as many"
        }

        test "interface values of another size are refused" {
            use policy = new LruaPolicy(2, 1, 0.95)
            let memory = torch.zeros (1L, 3L, 2L)

            Faults.says<ShapeException> [ "lrua"; "interface values"; "[1, 5]" ] (fun () ->
                policy.Write(memory, torch.zeros (1L, 5L), policy.Start memory) |> ignore)
        }
    ]

let tests = testList "LruaPolicy" [ asLoops; yield! invariants; drawn; sizes ]

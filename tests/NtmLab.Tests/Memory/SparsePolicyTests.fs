module NtmLab.Tests.Memory.SparsePolicyTests

open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Tests
open NtmLab.Tests.Memory.AddressingCase
open NtmLab.Tests.Memory.PolicyStep
open TorchSharp

let private logistic (x: float) : float = 1.0 / (1.0 + exp -x)

/// What a head is told, before the functions that bring it into range; gates lie on both sides of the threshold.
let private drawHead (random: RandomStream) (width: int) : SparseOracle.Head = {
    Query = Array.init width (fun _ -> random.NextUniform(-2.0, 2.0))
    Strength = random.NextUniform(-2.0, 6.0)
    WriteGate = random.NextUniform(-7.0, 3.0)
    Gate = random.NextUniform(-3.0, 3.0)
    Add = Array.init width (fun _ -> random.NextUniform(-2.0, 2.0))
}

let private inRange (head: SparseOracle.Head) : SparseOracle.Head = {
    Query = Array.map tanh head.Query
    Strength = log (1.0 + exp head.Strength)
    WriteGate = logistic head.WriteGate
    Gate = logistic head.Gate
    Add = Array.map tanh head.Add
}

/// The interface values of one sequence.
let private values (heads: SparseOracle.Head[]) : float list = [
    for head in heads do
        yield! head.Query
    for head in heads do
        head.Strength
    for head in heads do
        head.WriteGate
    for head in heads do
        head.Gate
    for head in heads do
        yield! head.Add
]

let private follows (name: string) (memoryOf: RandomStream -> int list -> torch.Tensor) =
    law name (fun case ->
        let random = RandomStream(case.Seed, "sparse policy")
        let slots = max case.Slots case.Heads
        let nearest = random.Next(1, slots + 1)
        // With one number a cosine is a sign, and all slots are equally similar but for rounding.
        let width = case.Width + 1
        use policy = new SparsePolicy(width, case.Heads, nearest)
        let memory = memoryOf random [ case.Batch; slots; width ]
        let mutable carried = memory, policy.Start memory

        let mutable oracle =
            Tensors.values3 memory
            |> Array.map (fun memory -> SparseOracle.start memory case.Heads)

        let starts = Tensors.values3 memory
        let mutable isClear = true
        let mutable step = 0

        while isClear && step < 12 do
            let heads =
                Array.init case.Batch (fun _ -> Array.init case.Heads (fun _ -> drawHead random width))

            let told = Tensors.rows [ for heads in heads -> values heads ]
            let write, read, next = take policy (told.squeeze 0L) carried
            carried <- next

            oracle <-
                Array.map2 (fun heads -> SparseOracle.step nearest (Array.map inRange heads)) heads oracle

            step <- step + 1

            // From where rounding chose, memories go apart.
            isClear <-
                Array.map3
                    (fun heads start (state: SparseOracle.State) ->
                        heads
                        |> Array.forall (fun head ->
                            SparseOracle.isClear (inRange head).Query start state.Memory nearest))
                    heads
                    starts
                    oracle
                |> Array.forall id

            if isClear then
                equals case (write.Weighting.narrow (1L, 0L, int64 case.Heads)) (fun b -> oracle[b].Writes)
                equals case read.Weighting (fun b -> oracle[b].Reads)
                equals case (fst carried) (fun b -> oracle[b].Memory)
                let usage = (snd carried :?> SparsePolicyState).Usage

                equals case usage (fun b -> [|
                    oracle[b].Accessed |> Array.map (fun step -> float (step - oracle[b].Now))
                |]))

let private drawnMemory (random: RandomStream) = Tensors.uniform random -1.0 1.0

let private equalSlots (_: RandomStream) (shape: int list) : torch.Tensor =
    torch.tensor(0.1).expand [| for size in shape -> int64 size |]

let private choices =
    testList "choices" [
        test "the nearest slots come in order, and of equal ones the first" {
            use scope = torch.NewDisposeScope()
            let key = row [ 1.0; 0.0 ]

            let memory = Tensors.rows [ [ 0.0; 1.0 ]; [ 3.0; 3.0 ]; [ 5.0; 0.0 ]; [ 1.0; 1.0 ]; [ 2.0; 0.0 ] ]

            let nearest count = [
                for slot in Tensors.values (SparseAddressing.NearestSlots(key, memory, count)) -> int slot
            ]

            Expect.equal (nearest 5) [ 2; 4; 1; 3; 0 ] "cosines 1, 1, 0.7, 0.7, 0"
            Expect.equal (nearest 3) [ 2; 4; 1 ] "no more than asked for"
        }

        test "equal slots are equally near wherever they stand, in single precision too" {
            use scope = torch.NewDisposeScope()

            for slots, width in [ 37, 5; 64, 20; 101, 33 ] do
                let random = RandomStream(uint64 slots, "equal slots")
                let key = (Tensors.uniform random -1.0 1.0 [ 2; 3; width ]).``to`` torch.float32
                let content = (Tensors.uniform random -1.0 1.0 [ 1; 1; width ]).``to`` torch.float32
                let memory = content.expand (2L, int64 slots, int64 width)
                let nearest = Tensors.values3 (SparseAddressing.NearestSlots(key, memory, slots))

                for heads in nearest do
                    for order in heads do
                        Expect.equal (Array.map int order) [| 0 .. slots - 1 |] "in their order"
        }

        // (r of slots read, u of the least recently used): 0.5 (0.25 r + 0.75 u)
        worked
            "the write weighting goes to what was read and to the least recently used slot"
            (fun () ->
                SparseAddressing.WriteWeighting(
                    row [ 0.5 ],
                    row [ 0.25 ],
                    row [ 0.0; 0.4; 0.6 ],
                    row [ 1.0; 0.0; 0.0 ]
                ))
            [ [ 0.375; 0.05; 0.075 ] ]

        worked
            "each head has a least recently used slot of its own, the first of equal ones"
            (fun () -> SparseAddressing.LeastRecentlyUsed(row [ -1.0; -3.0; -7.0; -3.0 ], 3))
            [ [ 0.0; 0.0; 1.0; 0.0 ]; [ 0.0; 1.0; 0.0; 0.0 ]; [ 0.0; 0.0; 0.0; 1.0 ] ]

        worked
            "a slot is accessed by more than the threshold, of any head"
            (fun () ->
                SparseAddressing.UsageAfterAccess(
                    row [ -5.0; -6.0; -7.0 ],
                    Tensors.rows [ [ 0.005; 0.006; 0.0 ]; [ 0.0; 0.0; 0.9 ] ]
                ))
            [ [ -5.0; 0.0; 0.0 ] ]
    ]

let private play (policy: SparsePolicy) (memory: torch.Tensor) (steps: SparseOracle.Head[] list) =
    let mutable carried = memory, policy.Start memory

    [
        for heads in steps do
            let _, read, next = take policy ((Tensors.rows [ values heads ]).squeeze 0L) carried
            carried <- next
            (Tensors.values3 read.Weighting)[0], (Tensors.values3 (fst carried))[0]
    ]

let private drawn =
    testList "drawn" [
        // step      before   write a   write b   write c   write d
        // slot 0      7         a         a         a         d
        // slot 1      8         8         b         b         b
        // slot 2      9         9         9         c         c
        test
            "what is written replaces the slots in turn, and the one not accessed for longest is the first to go" {
            use scope = torch.NewDisposeScope()
            use policy = new SparsePolicy(2, 1, 1)
            let add = [ [| 1.0; 0.0 |]; [| -1.0; 0.5 |]; [| 0.0; 1.0 |]; [| -1.0; -1.0 |] ]

            let heads = [
                for add in add ->
                    [|
                        {
                            SparseOracle.Query = add
                            SparseOracle.Strength = 0.0
                            SparseOracle.WriteGate = opened
                            SparseOracle.Gate = closed
                            SparseOracle.Add = add
                        }
                    |]
            ]

            let memory = Tensors.rows [ [ 0.0; 7.0 ]; [ 0.1; -8.0 ]; [ -9.0; 0.2 ] ]
            let memories = [ for _, memory in play policy memory heads -> memory ]
            let added step = Array.map tanh add[step]
            let a, b, c, d = added 0, added 1, added 2, added 3

            let expected = [
                [ a; [| 0.1; -8.0 |]; [| -9.0; 0.2 |] ]
                [ a; b; [| -9.0; 0.2 |] ]
                [ a; b; c ]
                [ d; b; c ]
            ]

            for memory, expected in List.zip memories expected do
                for value, expected in Array.zip (Array.concat memory) (Array.concat expected) do
                    Expect.isLessThan (abs (value - expected)) 1e-12 "one slot after the other"
        }

        test "a closed write gate writes nothing, but the least recently used slot is emptied" {
            use scope = torch.NewDisposeScope()
            use policy = new SparsePolicy(2, 1, 2)

            let quiet = {
                SparseOracle.Query = [| 1.0; 1.0 |]
                SparseOracle.Strength = 0.0
                SparseOracle.WriteGate = closed
                SparseOracle.Gate = 0.0
                SparseOracle.Add = [| 1.0; 1.0 |]
            }

            let memory = Tensors.rows [ [ 1.0; 2.0 ]; [ 3.0; 4.0 ]; [ 5.0; 6.0 ] ]
            let _, after = (play policy memory [ [| quiet |] ]).Head
            Expect.equal after [| [| 0.0; 0.0 |]; [| 3.0; 4.0 |]; [| 5.0; 6.0 |] |] "only erased"
        }
    ]

let private invariants = [
    law "before the first step nothing was read, and slots were accessed in their order" (fun case ->
        use policy = new SparsePolicy(case.Width, case.Heads, 1)
        let start = policy.Start(Operands(case).Memory) :?> SparsePolicyState
        Expect.all (Tensors.values start.ReadWeighting) ((=) 0.0) "nothing read"
        let slots = float case.Slots
        equals case start.Usage (fun _ -> [| [| for i in 0.0 .. slots - 1.0 -> i - slots |] |]))

    for magnitude in [ 1.0; 100.0 ] do
        law $"reads keep weightings of at most K slots over many steps, said up to {magnitude}" (fun case ->
            let slots = max case.Slots case.Heads
            let random = RandomStream(case.Seed, "bounds")
            let nearest = random.Next(1, slots + 1)
            use policy = new SparsePolicy(case.Width, case.Heads, nearest)

            let memory = torch.tensor(1e-6f).expand(int64 case.Batch, int64 slots, int64 case.Width)

            let mutable carried = memory, policy.Start memory

            for _ in 1..5 do
                let values = Tensors.uniform random -magnitude magnitude [ case.Batch; policy.InterfaceSize ]
                let write, read, next = take policy (values.``to`` torch.float32) carried
                carried <- next
                isWeighting read.Weighting 1e-5 "the read weighting"

                for heads in Tensors.values3 read.Weighting do
                    for weighting in heads do
                        let used = weighting |> Array.filter ((<>) 0.0)
                        Expect.isLessThanOrEqual used.Length nearest "slots read"

                let written = Tensors.values (write.Weighting.narrow(1L, 0L, int64 case.Heads).sum -1L)
                Expect.all written (fun sum -> sum <= 1.0 + 1e-5) "what is written"
                Expect.isTrue ((fst carried).isfinite().all().ToBoolean()) "the memory is finite")
]

let private gradients =
    testList "gradients" [
        test "of read and write weightings are those of finite differences" {
            use scope = torch.NewDisposeScope()
            let case = { Batch = 2; Heads = 3; Slots = 9; Width = 5; Shifts = 1; Seed = 1UL }
            let x = Operands case
            let nearest = SparseAddressing.NearestSlots(x.Key, x.Memory, 4)
            let writeGate = Tensors.uniform (RandomStream(2UL, "gate")) 0.0 1.0 [ 2; 3; 1 ]
            let least = SparseAddressing.LeastRecentlyUsed(SparseAddressing.FirstUsage x.Memory, 3)

            GradientCheck.checkAll
                [ "key", x.Key; "key strength", x.KeyStrength; "memory", x.Memory ]
                (fun () -> SparseAddressing.ReadWeighting(x.Key, x.KeyStrength, x.Memory, nearest))

            GradientCheck.checkAll
                [ "write gate", writeGate; "gate", x.Gate; "last read", x.Weighting ]
                (fun () -> SparseAddressing.WriteWeighting(writeGate, x.Gate, x.Weighting, least))
        }

        test "do not pass through usage and the choice of slots" {
            use scope = torch.NewDisposeScope()
            let case = { Batch = 1; Heads = 2; Slots = 5; Width = 3; Shifts = 1; Seed = 2UL }
            let x = Operands case
            let memory = x.Memory.requires_grad_ true
            let weighting = x.Weighting.requires_grad_ true
            let usage = SparseAddressing.UsageAfterAccess(SparseAddressing.FirstUsage memory, weighting)
            Expect.isFalse usage.requires_grad "usage"
            Expect.isFalse (SparseAddressing.NearestSlots(x.Key, memory, 2)).requires_grad "the nearest slots"
        }
    ]

let private sizes =
    testList "sizes" [
        test "the interface holds a query, an add vector, a key strength and two gates for each head" {
            use policy = new SparsePolicy(20, 4, 3)
            Expect.equal policy.InterfaceSize (4 * (2 * 20 + 3)) "of four heads"
        }

        test "there must be a slot for each head, and as many as a head reads" {
            Expect.equal (new SparsePolicy(3, 4, 2)).LeastSlots 4 "each head writes to one"
            Expect.equal (new SparsePolicy(3, 1, 5)).LeastSlots 5 "a head reads five"
        }

        test "interface values of another size are refused" {
            use policy = new SparsePolicy(2, 1, 1)
            let memory = torch.zeros (1L, 3L, 2L)

            Faults.says<ShapeException> [ "sparse"; "interface values"; "[1, 5]" ] (fun () ->
                policy.Write(memory, torch.zeros (1L, 5L), policy.Start memory) |> ignore)
        }
    ]

let tests =
    testList "SparsePolicy" [
        follows "memory, weightings and usage are the paper's over many steps" drawnMemory
        follows "and from slots that are all alike" equalSlots
        yield! invariants
        choices
        drawn
        gradients
        sizes
    ]

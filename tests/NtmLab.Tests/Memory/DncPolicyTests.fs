module NtmLab.Tests.Memory.DncPolicyTests

open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Memory.AddressingCase
open NtmLab.Tests.Memory.DncStepOracle
open NtmLab.Tests.Memory.PolicyStep
open TorchSharp

let private zeroMemory (batch: int) (slots: int) (width: int) : torch.Tensor =
    torch.zeros (int64 batch, int64 slots, int64 width, dtype = torch.float64)

let private plain (case: AddressingCase) : DncOptions = DncOptions(Width = case.Width, ReadHeads = case.Heads)

let private everyOption: (string * (AddressingCase -> DncOptions)) list = [
    "plain", plain
    "no links", (fun case -> DncOptions(Width = case.Width, ReadHeads = case.Heads, Links = false))
    "masked content", (fun case -> DncOptions(Width = case.Width, ReadHeads = case.Heads, MaskContent = true))
    "deallocation", (fun case -> DncOptions(Width = case.Width, ReadHeads = case.Heads, Deallocate = true))
    "sharpened links",
    (fun case -> DncOptions(Width = case.Width, ReadHeads = case.Heads, SharpenLinks = true))
    "every improvement",
    fun case ->
        DncOptions(
            Width = case.Width,
            ReadHeads = case.Heads,
            MaskContent = true,
            Deallocate = true,
            SharpenLinks = true
        )
]

let private randomly (random: RandomStream) (case: AddressingCase) : Said =
    let values magnitude count = Array.init count (fun _ -> random.NextUniform(-magnitude, magnitude))
    let value magnitude = random.NextUniform(-magnitude, magnitude)

    {
        ReadKey = Array.init case.Heads (fun _ -> values 1.0 case.Width)
        ReadStrength = values 5.0 case.Heads
        WriteKey = values 1.0 case.Width
        WriteStrength = value 5.0
        Erase = values 3.0 case.Width
        Vector = values 1.0 case.Width
        FreeGate = values 3.0 case.Heads
        AllocationGate = value 3.0
        WriteGate = value 3.0
        Modes = Array.init case.Heads (fun _ -> values 3.0 3)
        ReadMask = Array.init case.Heads (fun _ -> values 3.0 case.Width)
        WriteMask = values 3.0 case.Width
        BackwardSharpening = values 3.0 case.Heads
        ForwardSharpening = values 3.0 case.Heads
    }

let private tensorOf (options: DncOptions) (said: Said[]) : torch.Tensor =
    Tensors.rows [ for one in said -> List.ofArray (interfaceValues options one) ]
    |> _.squeeze(0L)

let private asLoops = [
    for name, options in everyOption do
        law $"as plain loops over many steps: {name}" (fun case ->
            let options = options case
            use policy = new DncPolicy(options)
            let random = RandomStream(case.Seed, "dnc policy")
            // Slots differ, so that rounding decides nothing.
            let memory = Tensors.uniform random -1.0 1.0 [ case.Batch; case.Slots; case.Width ]
            let mutable carried = memory, policy.Start memory
            let mutable oracle = Tensors.values3 memory |> Array.map (fun memory -> start memory case.Heads)

            for _ in 1..4 do
                let said = Array.init case.Batch (fun _ -> randomly random case)
                let _, read, next = take policy (tensorOf options said) carried
                carried <- next
                oracle <- Array.map2 (step options) said oracle
                let state = snd carried :?> DncPolicyState
                equals case (fst carried) (fun b -> oracle[b].Memory)
                equals case read.Weighting (fun b -> oracle[b].Reads)
                equals case state.ReadWeighting (fun b -> oracle[b].Reads)
                equals case state.WriteWeighting (fun b -> [| oracle[b].Write |])
                equals case state.Usage (fun b -> [| oracle[b].Usage |])

                match state.Links with
                | null -> Expect.isFalse options.Links "a policy with links carries them"
                | links ->
                    Expect.isTrue options.Links "a policy without links has none"
                    equals case links.Precedence (fun b -> [| oracle[b].Precedence |])
                    equals case links.Matrix (fun b -> oracle[b].Links))
]

/// Up to rounding in single precision.
let private fractions (tensor: torch.Tensor) (what: string) : unit =
    Expect.all (Tensors.values tensor) (fun x -> x >= -1e-6 && x <= 1.0 + 1e-6) $"{what}: in [0, 1]"

let private boundedWeighting (weighting: torch.Tensor) (what: string) : unit =
    fractions weighting what
    Expect.all (Tensors.values (weighting.sum -1L)) (fun sum -> sum <= 1.0 + 1e-5) $"{what}: sum"

let private invariants = [
    law "everything is zero before the first step" (fun case ->
        use policy = new DncPolicy(plain case)

        for part in policy.Start(zeroMemory case.Batch case.Slots case.Width).Tensors do
            Expect.all (Tensors.values part) ((=) 0.0) "nothing is used, written, read or linked")

    for name, options in everyOption do
        for magnitude in [ 1.0; 100.0 ] do
            law
                $"with {name}, weightings keep their bounds over many steps, said up to {magnitude}"
                (fun case ->
                    use policy = new DncPolicy(options case)
                    let random = RandomStream(case.Seed, "bounds")
                    let memory = (zeroMemory case.Batch case.Slots case.Width).``to`` torch.float32
                    let mutable carried = memory, policy.Start memory

                    for _ in 1..5 do
                        let values =
                            Tensors.uniform random -magnitude magnitude [ case.Batch; policy.InterfaceSize ]

                        let _, read, next = take policy (values.``to`` torch.float32) carried
                        carried <- next
                        let state = snd carried :?> DncPolicyState
                        boundedWeighting state.WriteWeighting "write weighting"
                        boundedWeighting read.Weighting "read weighting"
                        fractions state.Usage "usage"
                        Expect.isTrue ((fst carried).isfinite().all().ToBoolean()) "the memory is finite")
]

/// One read head and slots of five values, one for each step. All is at rest until a test says otherwise.
let private atRest: Said = {
    ReadKey = [| Array.zeroCreate 5 |]
    ReadStrength = [| 0.0 |]
    WriteKey = Array.zeroCreate 5
    WriteStrength = 0.0
    Erase = Array.create 5 opened
    Vector = Array.zeroCreate 5
    FreeGate = [| closed |]
    AllocationGate = opened
    WriteGate = closed
    Modes = [| [| closed; 0.0; closed |] |]
    ReadMask = [||]
    WriteMask = [||]
    BackwardSharpening = [||]
    ForwardSharpening = [||]
}

let private item (index: int) : float[] = Array.init 5 (fun i -> if i = index then 1.0 else 0.0)

/// Writes an item to a slot that is free.
let private store (index: int) : Said = { atRest with WriteGate = opened; Vector = item index }

/// Looks for an item by its content.
let private find (index: int) : Said = { atRest with ReadKey = [| item index |]; ReadStrength = [| 100.0 |] }

/// Reads on: from what was read last to what was written after it.
let private next: Said = { atRest with Modes = [| [| closed; closed; 0.0 |] |] }

/// Reads back: from what was read last to what was written before it.
let private back: Said = { atRest with Modes = [| [| 0.0; closed; closed |] |] }

/// The same, and what was read last may be overwritten.
let private freeing (said: Said) : Said = { said with FreeGate = [| opened |] }

/// Plays steps on an empty memory; gives for each step the slot written and the item read, -1 for none, and the last memory.
let private play (options: DncOptions) (slots: int) (steps: Said list) : (int * int) list * float[][] =
    use scope = torch.NewDisposeScope()
    use policy = new DncPolicy(options)
    let memory = zeroMemory 1 slots options.Width
    let mutable carried = memory, policy.Start memory

    let strongest (values: float[]) =
        match Array.tryFindIndex (fun x -> x > 0.99) values with
        | Some index -> index
        | None -> -1

    let seen = [
        for said in steps do
            let write, read, after = take policy (tensorOf options [| said |]) carried
            carried <- after
            let reads = Addressing.Read(fst carried, read.Weighting)

            strongest (write.Weighting.narrow (1L, 0L, 1L) |> Tensors.values),
            strongest (Tensors.values reads)
    ]

    seen, (Tensors.values3 (fst carried))[0]

let private single = DncOptions(Width = 5, ReadHeads = 1)

let private drawn =
    testList "drawn" [
        // step     store 0  store 1  store 2  store 3  find 0  next  next  next
        // slot 0      0        0        0        0       0<      0     0     0
        // slot 1               1        1        1       1       1<    1     1
        // slot 2                        2        2       2       2     2<    2
        // slot 3                                 3       3       3     3     3<
        test "writes go to slots of their own, and the links read them back in their order" {
            let seen, _ = play single 4 ([ for i in 0..3 -> store i ] @ [ find 0; next; next; next ])

            Expect.equal (List.map fst seen) [ 0; 1; 2; 3; -1; -1; -1; -1 ] "the slots written"
            Expect.equal (List.map snd seen |> List.skip 4) [ 0; 1; 2; 3 ] "the items read"
        }

        test "the links read the writes back from the last to the first as well" {
            let seen, _ = play single 5 ([ for i in 0..3 -> store i ] @ [ find 3; back; back; back ])

            Expect.equal (List.map snd seen |> List.skip 4) [ 3; 2; 1; 0 ] "the items read"
        }

        // step     store 0  store 1  store 2  find 1  store 3, freeing
        // slot 0      0        0        0       0        0
        // slot 1               1        1       1<       3
        // slot 2                        2       2        2
        test "what was read and set free is the next to be overwritten" {
            let seen, memory = play single 3 [ store 0; store 1; store 2; find 1; freeing (store 3) ]

            Expect.equal (fst (List.last seen)) 1 "the slot written"
            Expect.equal memory [| item 0; item 3; item 2 |] "the memory"
        }

        test "a full memory takes nothing more" {
            let seen, memory = play single 2 [ store 0; store 1; store 2 ]
            Expect.equal (List.map fst seen) [ 0; 1; -1 ] "the slots written"
            Expect.equal memory [| item 0; item 1 |] "the memory"
        }

        test "with deallocation, what is set free is erased at once; else it stays" {
            let steps = [ store 0; store 1; find 0; freeing atRest ]
            let _, kept = play single 2 steps
            Expect.equal kept [| item 0; item 1 |] "without"
            let _, memory = play (DncOptions(Width = 5, ReadHeads = 1, Deallocate = true)) 2 steps
            Expect.all memory[0] (fun x -> abs x < 1e-9) "the slot that was read"
            Expect.equal memory[1] (item 1) "the other slot"
        }
    ]

let private sizes =
    testList "sizes" [
        test "the interface holds what the paper lists" {
            use policy = new DncPolicy(DncOptions(Width = 20, ReadHeads = 4))
            Expect.equal policy.InterfaceSize (20 * 4 + 3 * 20 + 5 * 4 + 3) "W R + 3 W + 5 R + 3"
        }

        test "every option has its part of the interface" {
            let size (options: DncOptions) =
                use policy = new DncPolicy(options)
                policy.InterfaceSize

            let plain = size (DncOptions(Width = 7, ReadHeads = 2))
            let with' (options: DncOptions) = size options - plain
            Expect.equal (with' (DncOptions(Width = 7, ReadHeads = 2, Links = false))) -6 "no modes"
            Expect.equal (with' (DncOptions(Width = 7, ReadHeads = 2, MaskContent = true))) 21 "masks"
            Expect.equal (with' (DncOptions(Width = 7, ReadHeads = 2, Deallocate = true))) 0 "nothing"
            Expect.equal (with' (DncOptions(Width = 7, ReadHeads = 2, SharpenLinks = true))) 4 "sharpening"
        }

        test "interface values of another size are refused" {
            use policy = new DncPolicy(single)
            let memory = zeroMemory 1 3 5

            Faults.says<ShapeException> [ "dnc"; "interface values"; "[1, 5]" ] (fun () ->
                policy.Write(memory, torch.zeros (1L, 5L), policy.Start memory) |> ignore)
        }
    ]

let tests = testList "DncPolicy" [ yield! asLoops; yield! invariants; drawn; sizes ]

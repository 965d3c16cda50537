module NtmLab.Tests.Memory.NtmPolicyTests

open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Tests
open NtmLab.Tests.Memory.AddressingCase
open TorchSharp

let private single (tensor: torch.Tensor) : torch.Tensor = tensor.``to`` torch.float32

/// A policy with as many heads of each kind as the case says, a memory, and interface values of a size.
let private prepare (case: AddressingCase) (magnitude: float) =
    let policy = new NtmPolicy(case.Width, case.Heads, case.Heads, case.Shifts)
    let random = RandomStream(case.Seed, "policy")

    let values = Tensors.uniform random -magnitude magnitude [ case.Batch; policy.InterfaceSize ]

    let memory = Tensors.uniform random -1.0 1.0 [ case.Batch; case.Slots; case.Width ]
    policy, single memory, single values

let private fault (case: AddressingCase) (size: int) : unit =
    use policy = new NtmPolicy(case.Width, case.Heads, case.Heads, case.Shifts)
    let memory = torch.zeros (1L, int64 case.Slots, int64 case.Width)

    policy.Write(memory, torch.zeros (1L, int64 size), policy.Start memory)
    |> ignore

let tests =
    testList "NtmPolicy" [
        law "every head starts focused on the first slot" (fun case ->
            let policy, memory, _ = prepare case 1.0

            for weighting in policy.Start(memory).Tensors do
                same weighting (single (focus case 0)) "a one-hot weighting")

        for magnitude in [ 1.0; 100.0 ] do
            law $"heads keep weightings over many steps, with interface values up to {magnitude}" (fun case ->
                let policy, memory, values = prepare case magnitude
                let mutable state = policy.Start memory

                for _ in 1..4 do
                    let struct (write, written) = policy.Write(memory, values, state)
                    let struct (read, next) = policy.Read(memory, values, written)
                    isWeighting write.Weighting 1e-5 "the write weighting"
                    isWeighting read.Weighting 1e-5 "the read weighting"
                    state <- next)

        test "heads can start with a key strength of their own" {
            use policy = new NtmPolicy(3, 2, 1, 3, 8.0)
            let bias: float32[] = Array.zeroCreate policy.InterfaceSize
            policy.StartBias bias
            let raised = bias |> Array.filter (fun value -> value <> 0.0f)
            Expect.equal raised.Length 3 "one value for each head"

            Expect.all
                raised
                (fun value -> abs (log (1.0 + exp (float value)) - 8.0) < 1e-5)
                "softplus gives 8"
        }

        test "by default the bias starts at zero" {
            use policy = new NtmPolicy(3, 2, 1, 3)
            let bias: float32[] = Array.zeroCreate policy.InterfaceSize
            policy.StartBias bias
            Expect.all bias ((=) 0.0f) "as drawn before"
        }

        law "erase vectors lie in [0, 1] and add vectors in [-1, 1]" (fun case ->
            let policy, memory, values = prepare case 100.0
            let struct (write, _) = policy.Write(memory, values, policy.Start memory)
            Expect.all (Tensors.values write.Erase) (fun x -> x >= 0.0 && x <= 1.0) "erase"
            Expect.all (Tensors.values write.Add) (fun x -> x >= -1.0 && x <= 1.0) "add")

        law "a write moves the write heads only, a read the read heads only" (fun case ->
            let policy, memory, values = prepare case 1.0
            let start = policy.Start memory
            let struct (_, written) = policy.Write(memory, values, start)
            let struct (_, read) = policy.Read(memory, values, start)
            let heads (state: PolicyState) = state.Tensors |> Seq.map Tensors.bits |> List.ofSeq
            Expect.equal (heads written).[0] (heads start).[0] "the read heads during a write"
            Expect.equal (heads read).[1] (heads start).[1] "the write heads during a read")

        test "the interface holds what the paper lists for every head" {
            use policy = new NtmPolicy(20, 2, 3, 5)

            Expect.equal
                policy.InterfaceSize
                ((2 + 3) * (20 + 1 + 1 + 5 + 1) + 3 * (20 + 20))
                "key, strength, gate, shift and sharpening; erase and add"
        }

        test "interface values of another size are refused" {
            let case = { Batch = 1; Heads = 1; Slots = 3; Width = 2; Shifts = 3; Seed = 1UL }
            Faults.says<ShapeException> [ "ntm"; "interface values"; "[1, 5]" ] (fun () -> fault case 5)
        }
    ]

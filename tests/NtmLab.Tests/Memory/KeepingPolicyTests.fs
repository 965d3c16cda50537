/// What holds of every policy that decides what is worth a slot.
module NtmLab.Tests.Memory.KeepingPolicyTests

open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Memory.KeepingCase
open TorchSharp

/// Every policy at the sizes of a case, with what it wants beside keys, key strengths and the offered vector.
let private policies: (string * int * (KeepingCase -> KeepingPolicy)) list = [
    "fifo", 0, (fun case -> new FifoPolicy(FifoOptions(Width = case.Width, ReadHeads = case.Heads)))
    "keep-all", 0, (fun case -> new KeepAllPolicy(KeepAllOptions(Width = case.Width, ReadHeads = case.Heads)))
    "reservoir",
    0,
    (fun case -> new ReservoirPolicy(ReservoirOptions(Width = case.Width, ReadHeads = case.Heads)))
    "keep-novel",
    0,
    (fun case ->
        new KeepNovelPolicy(KeepNovelOptions(Width = case.Width, ReadHeads = case.Heads, Threshold = 0.3)))
    "surprise",
    inputWidth,
    (fun case -> new SurprisePolicy(SurpriseOptions(Width = case.Width, ReadHeads = case.Heads), inputWidth))
    "learned-gate",
    1,
    (fun case ->
        new LearnedGatePolicy(
            LearnedGateOptions(Width = case.Width, ReadHeads = case.Heads, Threshold = 0.5)
        ))
    "budgeted",
    1,
    (fun case ->
        new BudgetedPolicy(
            BudgetedOptions(Width = case.Width, ReadHeads = case.Heads, Budget = 1, Threshold = 0.5)
        ))
]

let private single (tensor: torch.Tensor) : torch.Tensor = tensor.``to`` torch.float32

/// Takes the steps of a case in single precision; gives what was read, the state and the memory after each.
let private run (case: KeepingCase) (policy: KeepingPolicy) (more: int) (magnitude: float) =
    let random = RandomStream(case.Seed, "said")
    let memory = single (memoryOf case policy)
    let mutable carried = memory, policy.Start memory

    [
        for _ in 1 .. case.Steps do
            let said = Array.init case.Batch (fun _ -> say random case more magnitude)
            let seen = policy.Observe(single (inputOf said), snd carried)
            let _, read, after = PolicyStep.take policy (single (interfaceOf said)) (fst carried, seen)
            carried <- after
            read.Weighting, (snd after :?> NamedState), fst after
    ]

let private isFinite (tensor: torch.Tensor) (what: string) : unit =
    Expect.isTrue (tensor.isfinite().all().ToBoolean()) what

let private invariants (name: string) (more: int) (build: KeepingCase -> KeepingPolicy) =
    testList name [
        for magnitude in [ 1.0; 100.0 ] do
            law
                $"weightings stay on what is held, and sum to its mean strength, said up to {magnitude}"
                (fun case ->
                    use policy = build case

                    for weighting, state, memory in run case policy more magnitude do
                        isFinite memory "the memory"

                        for part, tensor in Seq.zip state.Names state.Tensors do
                            isFinite tensor part

                        let held = Tensors.values2 state[NamedState.StrengthName]

                        for sequence, heads in Array.indexed (Tensors.values3 weighting) do
                            let strength = held[sequence]
                            Expect.all strength (fun s -> s >= 0.0 && s <= 1.0) "strengths"
                            let saved = Array.filter ((<) 0.0) strength

                            for weights in heads do
                                let sum = Array.sum weights

                                for w, s in Array.zip weights strength do
                                    Expect.isTrue
                                        (w >= 0.0 && w <= s)
                                        $"a weight of {w} for a strength of {s}"

                                if saved.Length = 0 then
                                    Expect.equal sum 0.0 "nothing is saved, so nothing is read"
                                else
                                    Expect.isTrue
                                        (sum >= Array.min saved - 1e-5 && sum <= Array.max saved + 1e-5)
                                        $"a mean of %A{saved}, not {sum}")

        law "the price begins at 0 and never falls" (fun case ->
            use policy = build case
            let prices = [ for _, state, _ in run case policy more 100.0 -> state.Price ]

            if policy.HasPrice then
                let prices = prices |> List.map (nonNull >> Tensors.values)
                let start = Tensors.values (nonNull (policy.Start(memoryOf case policy)).Price)
                Expect.all start ((=) 0.0) "before the first step"

                for before, after in List.pairwise (start :: prices) do
                    Expect.all
                        (Array.zip before after)
                        (fun (before, after) -> after >= before)
                        "from step to step"
            else
                Expect.all prices isNull "nothing costs anything")

        law "nothing is held, and nothing is read, before anything was saved" (fun case ->
            use policy = build case
            let memory = torch.ones (int64 case.Batch, int64 case.Slots, int64 case.Width)
            let values = torch.ones (int64 case.Batch, int64 policy.InterfaceSize)
            let start = policy.Start memory
            let struct (read, _) = policy.Read(memory, values, start)
            Expect.all (Tensors.values read.Weighting) ((=) 0.0) "no slot"

            for part in start.Tensors do
                Expect.all (Tensors.values part) ((=) 0.0) "zero")

        law "the state is of the shapes that were announced" (fun case ->
            use policy = build case
            let start = policy.Start(memoryOf { case with Batch = 1 } policy)
            let slots = if policy.Grows then 0 else case.Slots
            Expect.equal (start.Tensors |> Seq.sumBy _.numel()) (policy.StateSize slots) "for one sequence"
            let beside = case.Heads * (case.Width + 1) + case.Width

            Expect.equal
                policy.InterfaceSize
                (beside + more)
                "keys, key strengths, the offered vector, and more"

            Expect.equal policy.WriteHeads 1 "one vector is offered")

        test "interface values of another size are refused" {
            let sizes = { Batch = 1; Heads = 1; Slots = 3; Width = 2; Steps = 1; Seed = 1UL }
            use policy = build sizes
            let memory = torch.zeros (1L, 3L, 2L)

            Faults.says<ShapeException>
                [ $"{name}:"; "interface values"; "[1, 99]"; $"{policy.InterfaceSize}" ]
                (fun () -> policy.Write(memory, torch.zeros (1L, 99L), policy.Start memory) |> ignore)
        }
    ]

let tests =
    testList "KeepingPolicy" [
        for name, more, build in policies do
            invariants name more build
    ]

module NtmLab.Tests.Memory.PolicyCheckTests

open System.Collections.Generic
open Expecto
open NtmLab
open NtmLab.Configuration
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tests
open TorchSharp

/// A sound rule: a ring whose next slot is counted in the state, read by content.
type private Ring() =
    inherit PolicyRule()
    override _.Name = "ring"

    override _.Interface(layout, width, readHeads) =
        layout.Add("key", readHeads, width).Add("vector", 1, width) |> ignore

    override _.Start memory =
        let zeros (shape: int64[]) = torch.zeros (shape, memory.dtype)

        NamedState [
            struct ("strength", zeros [| memory.shape[0]; memory.shape[1] |])
            struct ("next", zeros [| memory.shape[0]; 1L |])
        ]

    override _.Write(memory, values, state) =
        let slots = memory.shape[1]

        let place =
            torch
                .zeros_like(state["strength"])
                .scatter(1L, state["next"].to_type torch.int64, torch.ones_like state["next"])

        let next =
            (state["next"] + torch.ones_like state["next"])
                .remainder(torch.tensor (float slots, memory.dtype))

        let state = state.Set("strength", torch.maximum (state["strength"], place)).Set("next", next)
        let vector = values["vector"].tanh()
        struct (WriteDecision(place.unsqueeze 1L, torch.ones_like vector, vector), state)

    override _.Read(memory, values, state) =
        let keyStrength = torch.tensor (3.0, memory.dtype)

        struct (ReadDecision(
                    Addressing.ContentAmong(values["key"].tanh(), keyStrength, memory, state["strength"])
                ),
                state)

type private Values = IReadOnlyDictionary<string, torch.Tensor>

/// The ring, but with one thing wrong.
let private wrongWrite
    (change: WriteDecision -> NamedState -> struct (WriteDecision * NamedState))
    : PolicyRule = {
    new Ring() with
        override _.Write(memory: torch.Tensor, values: Values, state: NamedState) =
            let struct (write, next) = base.Write(memory, values, state)
            change write next
}

let private wrongRead (change: torch.Tensor -> torch.Tensor) : PolicyRule = {
    new Ring() with
        override _.Read(memory: torch.Tensor, values: Values, state: NamedState) =
            let struct (read, next) = base.Read(memory, values, state)
            struct (ReadDecision(change read.Weighting), next)
}

/// The ring with a price for each step, which a script computes from what it wrote and the price before.
let private priced (price: Values -> torch.Tensor -> torch.Tensor) : PolicyRule = {
    new Ring() with
        override _.HasPrice = true

        override _.Start(memory: torch.Tensor) =
            let state = base.Start memory

            NamedState [
                yield! Seq.map2 (fun name part -> struct (name, part)) state.Names state.Tensors
                struct ("price", torch.zeros (memory.shape[0], memory.dtype))
            ]

        override _.Write(memory: torch.Tensor, values: Values, state: NamedState) =
            let struct (write, next) = base.Write(memory, values, state)
            struct (write, next.Set("price", price values state["price"]))
}

/// What a step costs that says this.
let private cost (values: Values) : torch.Tensor = values["vector"].sigmoid().sum [| 1L; 2L |]

let private report (rule: PolicyRule) : PolicyReport =
    PolicyCheck.Run(ScriptMemoryOptions(Rule = rule, Slots = 5, Width = 3))

let private findsBroken (check: string) (words: string list) (report: PolicyReport) : unit =
    let finding = report.Findings |> Seq.find (fun finding -> finding.Check = check)
    Expect.isFalse finding.Passed $"{check}: {finding.Detail}"

    for word in words do
        Expect.stringContains finding.Detail word check

let private breaks (check: string) (words: string list) (rule: PolicyRule) : unit =
    findsBroken check words (report rule)

/// Writes to the last slots, but less to those written often, and reads those, both as far as a softmax tells. Counts in its
/// state, or in itself since the start.
type private Counting(inState: bool, stateSize: int64) =
    inherit MemoryPolicy("counting", 3, 1, 1)
    let mutable hidden = Unchecked.defaultof<torch.Tensor>

    let written (state: PolicyState) =
        if inState then
            (state :?> NamedState)["written"]
        else
            hidden

    override _.InterfaceSize = 3
    override _.LeastSlots = 2
    override _.StateSize slots = stateSize * int64 slots
    override _.MultiplyAddsPerStep _ = 0L

    override _.Start memory =
        hidden <- torch.zeros_like (memory.select (2L, 0L))
        NamedState [ struct ("written", hidden) ]

    override _.Write(_, values, state) =
        let count = written state
        let place = (torch.arange (count.shape[1], count.dtype) - count).softmax 1L
        hidden <- count + place
        let vector = values.unsqueeze 1L

        let next =
            if inState then
                (state :?> NamedState).Set("written", hidden) :> PolicyState
            else
                state

        struct (WriteDecision(place.unsqueeze 1L, torch.ones_like vector, vector), next)

    override _.Read(_, _, state) = struct (ReadDecision((written state).softmax(1L).unsqueeze 1L), state)

let private made (inState: bool) (stateSize: int64) : PolicyReport =
    PolicyCheck.Run((fun _ -> new Counting(inState, stateSize) :> MemoryPolicy), 5)

let private twice (tensor: torch.Tensor) = tensor + tensor

let private broken =
    testList "a broken policy" [
        test "a weighting of another shape is named with both shapes" {
            wrongRead (fun weighting -> weighting.transpose (1L, 2L))
            |> breaks "shapes" [ "policy 'ring'"; "Read: weighting"; "[3, 5, 1]"; "[3, 1, 5]" ]
        }

        test "an add vector of another width is named" {
            wrongWrite (fun write state ->
                struct (WriteDecision(write.Weighting, write.Erase, write.Add.narrow (2L, 0L, 2L)), state))
            |> breaks "shapes" [ "add vectors"; "[3, 1, 2]"; "[3, 1, 3]" ]
        }

        test "what is not a number is named" {
            wrongRead (fun weighting -> weighting / torch.zeros_like weighting)
            |> breaks "shapes" [ "Read: weighting"; "not finite" ]
        }

        test "weightings that sum to 2 are told" {
            wrongRead twice |> breaks "weightings" [ "read weighting"; "sums to 2" ]
        }

        test "several heads that each write to all of the least used slots, as the paper says, are told" {
            PolicyCheck.Run(LruaOptions(Slots = 6, Width = 3, ReadHeads = 3))
            |> findsBroken "weightings" [ "write weighting"; "at most 1" ]
        }

        test "a weight above 1 is told even of a head that adds nothing" {
            wrongWrite (fun write state ->
                struct (WriteDecision(twice write.Weighting, write.Erase, torch.zeros_like write.Add), state))
            |> breaks "weightings" [ "write weighting"; "a weight of 2" ]
        }

        test "a negative weight is told" {
            wrongRead (fun weighting -> weighting.neg ())
            |> breaks "weightings" [ "negative" ]
        }

        test "an erase vector above 1 is told" {
            wrongWrite (fun write state ->
                struct (WriteDecision(write.Weighting, twice write.Erase, write.Add), state))
            |> breaks "erase vectors" [ "2"; "0 to 1" ]
        }

        test "sequences that are mixed are told" {
            wrongRead (fun weighting -> weighting.mean([| 0L |], true).expand_as weighting)
            |> breaks "batch independence" [ "neighbours" ]
        }

        test "a gradient that was cut off is told" {
            wrongWrite (fun write state ->
                struct (WriteDecision(write.Weighting, write.Erase, write.Add.detach ()), state))
            |> breaks "gradients" [ "interface values"; "autograd gives 0" ]
        }

        test "what is remembered outside of the state is told" {
            // What was read last, in a place of its own.
            let remembering =
                let last = ref Unchecked.defaultof<torch.Tensor | null>

                wrongRead (fun weighting ->
                    let mixed =
                        match last.Value with
                        | null -> weighting
                        | kept when kept.shape = weighting.shape && not kept.IsInvalid ->
                            (weighting + kept) * torch.tensor (0.5, weighting.dtype)
                        | _ -> weighting

                    last.Value <- weighting.detach().clone().DetachFromDisposeScope()
                    mixed)

            breaks "determinism" [ "second time" ] remembering
        }

        test "a state without a part that it had is told" {
            wrongWrite (fun write state ->
                struct (write, NamedState [ struct ("strength", state["strength"]) ]))
            |> breaks "shapes" [ "Write"; "the state holds strength"; "strength, next" ]
        }

        test "a read of one head where two are wanted is told" {
            {
                new Ring() with
                    override _.Interface(layout, width, _) =
                        layout.Add("key", 1, width).Add("vector", 1, width) |> ignore
            }
            |> breaks "shapes" [ "Read: weighting"; "[1, 1, 7]"; "[1, 2, 7]" ]
        }

        test "what the script itself raises is told" {
            wrongRead (fun _ -> failwith "no idea") |> breaks "shapes" [ "no idea" ]
        }

        test "a state that is not a number is told by name" {
            wrongWrite (fun write state ->
                struct (write, state.Set("next", state["next"] / torch.zeros_like state["next"])))
            |> breaks "shapes" [ "not finite" ]
        }

        test "a price whose gradient was cut off is told" {
            priced (fun values price -> price + (cost values).detach())
            |> breaks "gradients" [ "interface values"; "autograd gives" ]
        }

        test "a price that sequences share is told" {
            priced (fun values price -> price + (cost values).mean().expand_as price)
            |> breaks "batch independence" [ "price"; "neighbours" ]
        }

        test "a price that is counted outside of the state is told" {
            let calls = ref 0.0

            priced (fun _ price ->
                calls.Value <- calls.Value + 1.0
                torch.ones_like price * torch.tensor (calls.Value, price.dtype))
            |> breaks "determinism" [ "state 'price'"; "second time" ]
        }

        test "a state that turns to double precision is told" {
            wrongWrite (fun write state ->
                struct (write, state.Set("next", state["next"].``to`` torch.float64)))
            |> breaks "single precision" [ "state 'next'"; "Float64"; "Float32" ]
        }

        test "what is remembered since the start, but not in the state, is told" {
            made false 1L
            |> findsBroken "save and restore" [ "state that was kept"; "in step 5" ]
        }

        test "a wrong number of values of the state is told" {
            made true 2L |> findsBroken "shapes" [ "StateSize"; "10"; "5 slots"; "holds 5" ]
        }

        test "a name with other characters is refused" {
            let rule = {
                new Ring() with
                    override _.Name = "My policy"
            }

            Faults.says<ConfigurationException> [ "model.rule"; "My policy" ] (fun () ->
                report rule |> ignore)
        }

        test "a script without a rule is refused" {
            Faults.says<ConfigurationException> [ "model.rule"; "missing" ] (fun () ->
                ScriptMemoryOptions().Build(2, 1, RandomStream(1UL, "model")) |> ignore)
        }
    ]

/// Every model of the catalogue with a memory, at small sizes and one head.
let private memories: MemoryModelOptions list = [
    for entry in Catalog.Models do
        match System.Activator.CreateInstance entry.Type with
        | :? MemoryModelOptions as options ->
            match options with
            | :? KeepAllOptions as all -> KeepAllOptions(Width = 3)
            | :? NtmOptions -> NtmOptions(Slots = 6, Width = 3)
            | :? DncOptions -> DncOptions(Slots = 6, Width = 3, ReadHeads = 1)
            | :? LruaOptions -> LruaOptions(Slots = 6, Width = 3)
            | :? SparseOptions -> SparseOptions(Slots = 6, Width = 3)
            | :? FifoOptions -> FifoOptions(Slots = 6, Width = 3)
            | :? ReservoirOptions -> ReservoirOptions(Slots = 6, Width = 3)
            | :? KeepNovelOptions -> KeepNovelOptions(Slots = 6, Width = 3)
            | :? SurpriseOptions -> SurpriseOptions(Slots = 6, Width = 3)
            | :? LearnedGateOptions -> LearnedGateOptions(Slots = 6, Width = 3)
            | :? BudgetedOptions -> BudgetedOptions(Slots = 6, Width = 3, Budget = 4)
            | _ -> options
        | _ -> ()
]

/// What policies of the catalogue do with other options and more heads.
let private variants: (string * MemoryModelOptions) list = [
    "ntm, two heads", NtmOptions(Slots = 6, Width = 3, ReadHeads = 2, WriteHeads = 2, ShiftWidth = 5)
    "dnc, with all that was added to it",
    DncOptions(
        Slots = 6,
        Width = 3,
        ReadHeads = 2,
        Deallocate = true,
        MaskContent = true,
        SharpenLinks = true
    )
    "dnc, without links", DncOptions(Slots = 6, Width = 3, ReadHeads = 2, Links = false)
    "sparse, three heads", SparseOptions(Slots = 9, Width = 3, ReadHeads = 3)
    "keep-novel, skipping",
    KeepNovelOptions(Slots = 6, Width = 3, ReadHeads = 2, Threshold = 0.5, Repeats = Repeats.Skip)
    "reservoir, soon full", ReservoirOptions(Slots = 3, Width = 3, ReadHeads = 2)
]

let private sound =
    testList "a sound policy passes" [
        for name, options in variants do
            test name {
                for finding in (PolicyCheck.Run options).Findings do
                    Expect.isTrue finding.Passed $"{finding.Check}: {finding.Detail}"
            }

        for options in memories do
            test (Catalog.NameOf(options.GetType())) {
                for finding in (PolicyCheck.Run options).Findings do
                    Expect.isTrue finding.Passed $"{finding.Check}: {finding.Detail}"
            }

        test "a script's own" {
            for finding in (report (Ring())).Findings do
                Expect.isTrue finding.Passed $"{finding.Check}: {finding.Detail}"
        }

        test "a script's own with a price" {
            for finding in (report (priced (fun values price -> price + cost values))).Findings do
                Expect.isTrue finding.Passed $"{finding.Check}: {finding.Detail}"
        }

        test "one that no options describe, with as few slots as it needs" {
            let report = made true 1L
            Expect.isTrue report.Passed $"%A{List.ofSeq report.Findings}"
            Expect.stringContains (Seq.last report.Findings).Detail "2" "its fewest slots"
        }

        test "and every policy of the catalogue is among these" {
            Expect.equal memories.Length Catalog.Policies.Count "as many models with a memory as policies"
        }
    ]


let tests = testList "PolicyCheck" [ sound; broken ]

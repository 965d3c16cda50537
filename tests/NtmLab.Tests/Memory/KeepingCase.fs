/// Random sizes and words for the laws of the policies that decide what is worth a slot.
module NtmLab.Tests.Memory.KeepingCase

open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Memory
open NtmLab.Tests
open NtmLab.Tests.Memory.KeepingOracle
open TorchSharp

/// Sizes, and the seed of all values.
type KeepingCase = { Batch: int; Heads: int; Slots: int; Width: int; Steps: int; Seed: uint64 }

let private generate: Gen<KeepingCase> = gen {
    let! batch = Gen.choose (1, 3)
    let! heads = Gen.choose (1, 3)
    let! slots = Gen.choose (1, 5)
    let! width = Gen.choose (1, 5)
    let! steps = Gen.choose (1, 9)
    let! seed = Gen.choose (0, System.Int32.MaxValue)

    return {
        Batch = batch
        Heads = heads
        Slots = slots
        Width = width
        Steps = steps
        Seed = uint64 seed
    }
}

/// For FsCheck.
type Arbitraries =
    static member KeepingCase() : Arbitrary<KeepingCase> = Arb.fromGen generate

/// A property of every case.
let law (name: string) (holds: KeepingCase -> unit) : Test =
    let check (case: KeepingCase) =
        use scope = torch.NewDisposeScope()
        holds case

    testPropertyWithConfig
        {
            FsCheckConfig.defaultConfig with
                maxTest = 30
                arbitrary = [ typeof<Arbitraries> ]
        }
        name
        check

/// Features of the input of every case.
let inputWidth: int = 2

/// Draws what a step of one sequence says, up to a magnitude; `more` values beside keys, key strengths and offer.
let say (random: RandomStream) (case: KeepingCase) (more: int) (magnitude: float) : Said =
    let drawn count = Array.init count (fun _ -> random.NextUniform(-magnitude, magnitude))

    {
        Input = drawn inputWidth
        Keys = Array.init case.Heads (fun _ -> drawn case.Width)
        KeyStrengths = drawn case.Heads
        Offer = drawn case.Width
        More = drawn more
    }

/// What the sequences of a batch say, as a policy's interface values `[batch, size]`.
let interfaceOf (said: Said[]) : torch.Tensor =
    let values = [
        for one in said ->
            List.ofArray (Array.concat [ yield! one.Keys; one.KeyStrengths; one.Offer; one.More ])
    ]

    (Tensors.rows values).squeeze 0L

/// The inputs of the sequences of a batch, `[batch, feature]`.
let inputOf (said: Said[]) : torch.Tensor =
    (Tensors.rows [ for one in said -> List.ofArray one.Input ]).squeeze 0L

/// One step of a policy that sees the input, as a model takes it.
let next (policy: KeepingPolicy) (said: Said[]) (memory: torch.Tensor, state: PolicyState) =
    PolicyStep.take policy (interfaceOf said) (memory, policy.Observe(inputOf said, state))

/// A drawn memory before the first step, `[batch, slots, width]`.
let memoryOf (case: KeepingCase) (policy: KeepingPolicy) : torch.Tensor =
    let slots = if policy.Grows then 0 else case.Slots
    Tensors.uniform (RandomStream(case.Seed, "memory")) -1.0 1.0 [ case.Batch; slots; case.Width ]

let private strengthOf (state: PolicyState) : float[][] =
    let named = state :?> NamedState
    Tensors.values2 named[NamedState.StrengthName]

/// Requires numbers that are the same up to rounding in double precision.
let near (actual: float[]) (expected: float[]) (what: string) : unit =
    Expect.equal actual.Length expected.Length what

    for a, e in Array.zip actual expected do
        Expect.isLessThan (abs (a - e)) 1e-9 $"{what}: %A{actual} and %A{expected}"

/// Requires a policy to do in every step what an oracle does with each sequence alone.
/// `save` is given the number of the step, the slot that the policy itself put the vector in, if any, and what the
/// sequence says; `own` is what the oracle carries beside what is held.
let follows
    (case: KeepingCase)
    (policy: KeepingPolicy)
    (more: int)
    (own: 'own)
    (save: int -> int option -> Said -> 'own * Held -> 'own * Held)
    : unit =
    let random = RandomStream(case.Seed, "said")
    let memory = memoryOf case policy
    let mutable carried = memory, policy.Start memory

    let mutable oracle =
        if policy.Grows then
            Array.init case.Batch (fun _ -> own, start [||])
        else
            Tensors.values3 memory |> Array.map (fun slots -> own, start slots)

    for step in 0 .. case.Steps - 1 do
        let said = Array.init case.Batch (fun _ -> say random case more 2.0)
        let write, read, after = next policy said carried
        carried <- after
        let place = Tensors.values3 write.Weighting |> Array.map Array.exactlyOne
        let drawn = place |> Array.map (Array.tryFindIndex ((=) 1.0))
        oracle <- Array.map3 (save step) drawn said oracle
        let memory, state = carried

        let memories, strengths, reads =
            Tensors.values3 memory, strengthOf state, Tensors.values3 read.Weighting

        for sequence in 0 .. case.Batch - 1 do
            let held, where = snd oracle[sequence], $"step {step}, sequence {sequence}"
            near place[sequence] held.Place $"{where}: the place"
            near (Array.concat memories[sequence]) (Array.concat held.Memory) $"{where}: the memory"
            near strengths[sequence] held.Strength $"{where}: strengths"
            let used = held.Strength |> Array.filter (fun s -> s > 0.0)
            let counted = Tensors.values (nonNull state.SlotsUsed)
            Expect.equal counted[sequence] (float used.Length) $"{where}: slots used"

            near
                (Array.concat reads[sequence])
                (Array.concat (readWeightings said[sequence] held))
                $"{where}: reads"

            match state.Price with
            | null -> Expect.isFalse policy.HasPrice "a price is told"
            | price ->
                Expect.isTrue policy.HasPrice "and announced"
                near [| (Tensors.values price)[sequence] |] [| held.Price |] $"{where}: the price"

/// The same for an oracle that carries nothing beside what is held, and draws nothing.
let followsAlone (case: KeepingCase) (policy: KeepingPolicy) (more: int) (save: Said -> Held -> Held) : unit =
    follows case policy more () (fun _ _ said ((), held) -> (), save said held)

/// What a step of a drawn example says: it offers a vector of -1, 0 and 1, and looks for another one with a key strength of
/// about 10, which finds it among others almost surely.
let offering (input: float list) (vector: float list) (key: float list) (more: float list) : Said =
    // Their tanh is -1, 0 or 1 exactly.
    let certain (values: float list) = [| for value in values -> 1000.0 * value |]

    {
        Input = Array.ofList input
        Keys = [| certain key |]
        KeyStrengths = [| 10.0 |]
        Offer = certain vector
        More = Array.ofList more
    }

/// Plays steps of one sequence on a memory of 9s; gives memory, strengths and the read weighting after each.
let play (policy: KeepingPolicy) (slots: int) (steps: Said list) : (float[][] * float[] * float[]) list =
    use scope = torch.NewDisposeScope()
    use policy = policy
    let memory = torch.full (1L, int64 slots, int64 policy.Width, (9.0).ToScalar(), torch.float64)
    let mutable carried = memory, policy.Start memory

    [
        for said in steps do
            let _, read, after = next policy [| said |] carried
            carried <- after
            let head = Array.head >> Array.head

            (Tensors.values3 (fst after))[0],
            (strengthOf (snd after))[0],
            head (Tensors.values3 read.Weighting)
    ]

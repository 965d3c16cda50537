/// Random shapes and values for the laws of addressing.
module NtmLab.Tests.Memory.AddressingCase

open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Tests
open TorchSharp

/// Sizes, and the seed of all values.
type AddressingCase = {
    Batch: int
    Heads: int
    Slots: int
    Width: int
    /// Odd, and at most the number of slots.
    Shifts: int
    Seed: uint64
}

let private generate: Gen<AddressingCase> = gen {
    let! batch = Gen.choose (1, 3)
    let! heads = Gen.choose (1, 4)
    let! slots = Gen.choose (1, 17)
    let! width = Gen.choose (1, 17)
    let! reach = Gen.choose (0, (slots - 1) / 2)
    let! seed = Gen.choose (0, System.Int32.MaxValue)

    return {
        Batch = batch
        Heads = heads
        Slots = slots
        Width = width
        Shifts = 2 * reach + 1
        Seed = uint64 seed
    }
}

/// For FsCheck.
type Arbitraries =
    static member AddressingCase() : Arbitrary<AddressingCase> = Arb.fromGen generate

/// A property of every case.
let law (name: string) (holds: AddressingCase -> unit) : Test =
    let check (case: AddressingCase) =
        use scope = torch.NewDisposeScope()
        holds case

    testPropertyWithConfig
        {
            FsCheckConfig.defaultConfig with
                maxTest = 60
                arbitrary = [ typeof<Arbitraries> ]
        }
        name
        check

/// All that the head functions take, in double precision and in the ranges they accept.
type Operands(case: AddressingCase) =
    let random = RandomStream(case.Seed, "addressing")
    let perHead low high width = Tensors.uniform random low high [ case.Batch; case.Heads; width ]
    member val Key = perHead -1.0 1.0 case.Width
    member val KeyStrength = perHead 0.0 20.0 1
    member val Memory = Tensors.uniform random -1.0 1.0 [ case.Batch; case.Slots; case.Width ]
    member val Gate = perHead 0.0 1.0 1
    member val Weighting = Tensors.weightings random [ case.Batch; case.Heads; case.Slots ]
    member val Previous = Tensors.weightings random [ case.Batch; case.Heads; case.Slots ]
    member val Shift = Tensors.weightings random [ case.Batch; case.Heads; case.Shifts ]
    member val Sharpening = perHead 1.0 20.0 1
    member val Erase = perHead 0.0 1.0 case.Width
    member val Add = perHead -1.0 1.0 case.Width

/// One-hot weightings at one slot, `[batch, heads, slots]`.
let focus (case: AddressingCase) (slot: int) : torch.Tensor =
    let weighting =
        torch.zeros (int64 case.Batch, int64 case.Heads, int64 case.Slots, dtype = torch.float64)

    weighting.narrow(2L, int64 slot, 1L).fill_((1.0).ToScalar()) |> ignore
    weighting

/// A one-hot shift weighting: all weight on the shift by `by`.
let shiftBy (case: AddressingCase) (by: int) : torch.Tensor =
    let shift = torch.zeros (int64 case.Batch, int64 case.Heads, int64 case.Shifts, dtype = torch.float64)

    shift.narrow(2L, int64 (by + (case.Shifts - 1) / 2), 1L).fill_((1.0).ToScalar())
    |> ignore

    shift

/// Requires equal tensors up to rounding in double precision.
let same (actual: torch.Tensor) (expected: torch.Tensor) (what: string) : unit =
    Expect.isLessThan (Tensors.distance actual expected) 1e-12 what

/// Requires weightings: nothing negative, and a sum of 1 over the slots.
let isWeighting (weighting: torch.Tensor) (tolerance: float) (stage: string) : unit =
    Expect.isTrue
        (Tensors.values weighting |> Array.forall (fun w -> w >= 0.0))
        $"{stage}: nothing is negative"

    for sum in Tensors.values (weighting.sum -1L) do
        Expect.isLessThan (abs (sum - 1.0)) tolerance $"{stage}: the sum is 1"

/// Requires tensors `[batch, ...]` to hold what the oracle gives for each sequence.
let equals (case: AddressingCase) (actual: torch.Tensor) (oracle: int -> float[][]) : unit =
    let actual = Tensors.values3 actual

    for b in 0 .. case.Batch - 1 do
        let expected = oracle b
        Expect.equal (Array.map Array.length actual[b]) (Array.map Array.length expected) "the shape"

        Array.zip actual[b] expected
        |> Array.iteri (fun row (actual, expected) ->
            Array.zip actual expected
            |> Array.iteri (fun i (actual, expected) ->
                let where = $"sequence {b}, row {row}, value {i}: {actual} and {expected}"
                Expect.isLessThan (abs (actual - expected)) 1e-9 where))

/// A row of one sequence and one head, `[1, 1, values]`.
let row (values: float list) : torch.Tensor = Tensors.rows [ values ]

/// Requires exactly the numbers that were worked out by hand, up to rounding.
let worked (name: string) (actual: unit -> torch.Tensor) (expected: float list list) : Test = test name {
    use scope = torch.NewDisposeScope()
    same (actual ()) (Tensors.rows expected) "worked out by hand"
}

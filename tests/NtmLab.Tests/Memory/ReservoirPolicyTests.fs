module NtmLab.Tests.Memory.ReservoirPolicyTests

open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Memory.KeepingCase
open TorchSharp

/// Which slot each sequence of a batch puts each step's vector in, by step and sequence; inputs are `[time, batch, feature]`.
let private places (slots: int) (inputs: torch.Tensor) : int option[][] =
    use scope = torch.NewDisposeScope()
    use policy = new ReservoirPolicy(ReservoirOptions(Width = 1))
    let batch = inputs.shape[1]
    let memory = torch.zeros (batch, int64 slots, 1L, torch.float64)
    let values = torch.zeros (batch, int64 policy.InterfaceSize, torch.float64)
    let mutable state = policy.Start memory

    [|
        for input in inputs.unbind 0L do
            let struct (write, after) = policy.Write(memory, values, policy.Observe(input, state))
            state <- after

            Tensors.values3 write.Weighting
            |> Array.map (Array.exactlyOne >> Array.tryFindIndex ((=) 1.0))
    |]

let private drawnInputs (seed: uint64) (time: int) (batch: int) : torch.Tensor =
    Tensors.uniform (RandomStream(seed, "input")) -1.0 1.0 [ time; batch; 2 ]

let private slots = 3

let private time = 9

let private sequences = 4000

/// The places of many sequences; a function, for libtorch to be there first.
let private manyPlaces () = places slots (drawnInputs 5UL time sequences)

let private draws =
    testList "draws" [
        test "the first vectors are all kept, in order" {
            for step, chosen in Array.indexed (manyPlaces ()) |> Array.take slots do
                Expect.all chosen ((=) (Some step)) $"step {step}"
        }

        test "every vector is as likely as any other to be in a slot at the end" {
            let chosen = manyPlaces ()

            for slot in 0 .. slots - 1 do
                let last = [
                    for sequence in 0 .. sequences - 1 ->
                        seq { 0 .. time - 1 }
                        |> Seq.findBack (fun step -> chosen[step][sequence] = Some slot)
                ]

                // The slot's own first vector stays with the chance that any stays at all.
                let chances = [|
                    for step in 0 .. time - 1 ->
                        if step >= slots then 1.0
                        elif step = slot then float slots
                        else 0.0
                |]

                let counts = ChiSquare.count time last

                Array.zip chances counts
                |> Array.filter (fun (chance, count) -> chance > 0.0 || count > 0)
                |> Array.unzip
                ||> ChiSquare.fits
        }

        test "a sequence is sampled alike whatever its neighbours" {
            let inputs = drawnInputs 6UL 12 5
            let together = places slots inputs

            for sequence in 0..4 do
                let alone = places slots (inputs.narrow (1L, int64 sequence, 1L))

                Expect.equal
                    (Array.map Array.exactlyOne alone)
                    (together |> Array.map (Array.item sequence))
                    "alone"
        }

        test "draws are the same for equal sequences, and part where the inputs do" {
            let inputs = drawnInputs 7UL 40 1
            let other = inputs.clone ()
            other.narrow(0L, 20L, 1L).add_((0.5).ToScalar()) |> ignore
            let chosen = places slots (torch.cat ([| inputs; inputs; other |], 1L))
            let of' sequence = chosen |> Array.map (Array.item sequence)
            Expect.equal (of' 1) (of' 0) "nothing but the inputs decides"
            Expect.equal (Array.take 20 (of' 2)) (Array.take 20 (of' 0)) "before they part"
            Expect.notEqual (of' 2) (of' 0) "after it"
        }

        test "sequences of equal inputs in every step are sampled too" {
            let chosen = places slots (torch.zeros (60L, 1L, 2L, torch.float64))
            let later = Array.skip 30 chosen |> Array.map Array.exactlyOne
            Expect.isTrue (Array.exists Option.isSome later) "some replace"
            Expect.isTrue (Array.exists Option.isNone later) "others are dropped"
        }
    ]

let tests =
    testList "ReservoirPolicy" [
        law "place, memory, strengths and reads are those of plain loops with the same draws" (fun case ->
            use policy = new ReservoirPolicy(ReservoirOptions(Width = case.Width, ReadHeads = case.Heads))

            follows case policy 0 () (fun step drawn said ((), held) ->
                (), KeepingOracle.reservoir step drawn said held))

        draws
    ]

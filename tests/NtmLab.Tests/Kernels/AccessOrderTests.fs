module NtmLab.Tests.Kernels.AccessOrderTests

#nowarn "9"

open Expecto
open NtmLab
open NtmLab.Kernels

let private least (order: AccessOrder) (count: int) : int[] =
    let found = Array.zeroCreate<int> count
    use slots = fixed found
    order.Least(count, slots)
    found

/// By sorting all slots.
let private expected (usage: float32[]) (count: int) : int[] =
    [| 0 .. usage.Length - 1 |]
    |> Array.sortBy (fun slot -> usage[slot], slot)
    |> Array.take count

/// Accesses drawn slots for many steps, and compares with sorting.
let private follows
    (random: RandomStream)
    (order: AccessOrder)
    (usage: float32[])
    (mayAccess: int -> bool)
    : unit =
    for step in 0..40 do
        let count = random.Next(1, usage.Length + 1)
        Expect.equal (least order count) (expected usage count) $"step {step}"

        for slot in 0 .. usage.Length - 1 do
            if mayAccess slot && random.Next 4 = 0 then
                order.Hold(slot + 1)
                order.Access(slot, step)
                usage[slot] <- float32 step

        Expect.equal [| for slot in 0 .. usage.Length - 1 -> order.Usage slot |] usage "usage"

let tests =
    testList "AccessOrder" [
        test "gives the slots that sorting would, of a fresh sequence that touches ever more slots" {
            for seed in 1UL .. 20UL do
                let random = RandomStream(seed, "order")
                let slots = random.Next(1, 30)
                let order = AccessOrder slots
                let mutable reach = 0

                // Twice: nothing is left of the first sequence.
                for _ in 1..2 do
                    order.Start()
                    let usage = Array.init slots (fun slot -> float32 (slot - slots))

                    follows random order usage (fun slot ->
                        reach <- reach + 1
                        slot < reach / 20)
        }

        test "gives the slots that sorting would, from any usage, with many equal ones" {
            for seed in 1UL .. 20UL do
                let random = RandomStream(seed, "order")
                let slots = random.Next(1, 30)
                let order = AccessOrder slots
                let usage = Array.init slots (fun _ -> float32 (random.Next(-5, 0)))

                do
                    use given = fixed usage
                    order.Start given

                follows random order usage (fun _ -> true)
        }
    ]

module NtmLab.Tests.Memory.BudgetedPolicyTests

open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Memory.KeepingCase
open NtmLab.Tests.Memory.PolicyStep
open TorchSharp

let private optionsOf (case: KeepingCase) =
    let random = RandomStream(case.Seed, "options")

    BudgetedOptions(
        Width = case.Width,
        ReadHeads = case.Heads,
        Slots = case.Slots,
        Budget = random.Next(1, case.Slots + 1),
        Threshold = random.NextUniform(0.05, 0.6),
        Price = random.NextUniform(0.0, 1.0)
    )

let tests =
    testList "BudgetedPolicy" [
        law "place, memory, strengths, reads and price are those of plain loops" (fun case ->
            let options = optionsOf case
            use policy = new BudgetedPolicy(options)
            followsAlone case policy 1 (KeepingOracle.gated options.Budget options.Threshold options.Price))

        law "never more slots are used than the budget, however open the gate" (fun case ->
            let options = optionsOf case
            use policy = new BudgetedPolicy(options)
            let memory = memoryOf case policy
            let mutable carried = memory, policy.Start memory
            let random = RandomStream(case.Seed, "said")

            for step in 1 .. 2 * case.Slots do
                let said =
                    Array.init case.Batch (fun _ -> { say random case 1 1.0 with More = [| opened |] })

                let _, _, after = next policy said carried
                carried <- after
                let used = Tensors.values (nonNull (snd carried).SlotsUsed)
                Expect.all used ((=) (float (min step options.Budget))) $"step {step}")

        // gate        1   0   1   1   1
        // slot 0      a   a   a   a   a
        // slot 1      9   9   b   b   b
        // slot 2      9   9   9   9   9
        test "what was saved stays when the budget is spent, and a shut gate spends nothing" {
            let a, b = [ 1.0; 0.0 ], [ 0.0; 1.0 ]

            let steps = [
                for vector, gate in [ a, opened; b, closed; b, opened; a, opened; b, opened ] ->
                    offering [ 0.0 ] vector vector [ gate ]
            ]

            let after = play (new BudgetedPolicy(BudgetedOptions(Width = 2, Slots = 3, Budget = 2))) 3 steps
            let memory, strength, _ = List.last after

            Expect.equal memory [| Array.ofList a; Array.ofList b; [| 9.0; 9.0 |] |] "two vectors"
            Expect.equal strength [| 1.0; 1.0; 0.0 |] "the third slot stays empty"
        }
    ]

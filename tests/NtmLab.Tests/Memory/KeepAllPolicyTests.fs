module NtmLab.Tests.Memory.KeepAllPolicyTests

open Expecto
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Memory.KeepingCase
open TorchSharp

let tests =
    testList "KeepAllPolicy" [
        law "place, memory, strengths and reads are those of plain loops" (fun case ->
            use policy = new KeepAllPolicy(KeepAllOptions(Width = case.Width, ReadHeads = case.Heads))
            followsAlone case policy 0 KeepingOracle.keepAll)

        test "memory begins without slots and gets one in each step" {
            let a, b = [ 1.0; 0.0 ], [ 0.0; 1.0 ]
            let policy = new KeepAllPolicy(KeepAllOptions(Width = 2))
            Expect.isTrue policy.Grows "it says so"

            let memories = [
                for memory, _, _ in play policy 0 [ for v in [ a; b; a ] -> offering [ 0.0 ] v v [] ] ->
                    memory
            ]

            let a, b = Array.ofList a, Array.ofList b
            Expect.equal memories [ [| a |]; [| a; b |]; [| a; b; a |] ] "what comes twice is there twice"
        }

        test "the state holds nothing of slots that are not there yet" {
            use policy = new KeepAllPolicy(KeepAllOptions(Width = 2))
            let state = policy.Start(torch.zeros (4L, 0L, 2L))
            Expect.equal (Tensors.values (nonNull state.SlotsUsed)) (Array.zeroCreate 4) "none is used"
            Expect.equal (policy.StateSize 0) 1L "a counter"
        }
    ]

module NtmLab.Tests.Memory.LearnedGatePolicyTests

open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Memory.KeepingCase
open NtmLab.Tests.Memory.KeepingOracle
open NtmLab.Tests.Memory.PolicyStep
open TorchSharp

let private asLoops =
    law "place, memory, strengths, reads and price are those of plain loops" (fun case ->
        let random = RandomStream(case.Seed, "options")

        let options =
            LearnedGateOptions(
                Width = case.Width,
                ReadHeads = case.Heads,
                Threshold = random.NextUniform(0.05, 0.95),
                Price = random.NextUniform(0.0, 1.0)
            )

        use policy = new LearnedGatePolicy(options)
        followsAlone case policy 1 (gated System.Int32.MaxValue options.Threshold options.Price))

let private drawn =
    testList "drawn" [
        // gate        1    0.25   0.75   0
        // slot 0      1    1      1      1
        // slot 1      0    0      0.75   0.75
        test "a gate below the threshold takes no slot, one above it is the slot's strength" {
            let a, b = [ 1.0; 0.0 ], [ 0.0; 1.0 ]

            let steps = [
                for vector, gate in [ a, opened; b, -(log 3.0); b, log 3.0; a, closed ] ->
                    offering [ 0.0 ] vector b [ gate ]
            ]

            let policy = new LearnedGatePolicy(LearnedGateOptions(Width = 2, Threshold = 0.5))
            let after = play policy 2 steps
            let strength step = let _, strength, _ = after[step] in strength
            near (strength 0) [| 1.0; 0.0 |] "saved"
            near (strength 1) [| 1.0; 0.0 |] "let go"
            near (strength 2) [| 1.0; 0.75 |] "saved with part of its strength"
            near (strength 3) [| 1.0; 0.75 |] "let go"
            let memory, _, read = after[3]
            Expect.equal memory [| [| 1.0; 0.0 |]; [| 0.0; 1.0 |] |] "what is saved is saved whole"
            Expect.isLessThan (abs (read[1] - 0.75)) 1e-4 "and read as strongly as it is held"
        }

        test "the gate starts where the options say" {
            use policy = new LearnedGatePolicy(LearnedGateOptions(Width = 2, InitialGate = 0.75))
            let bias: float32[] = Array.zeroCreate policy.InterfaceSize
            policy.StartBias bias

            Expect.isLessThan
                (abs (1.0 / (1.0 + exp (-(float (Array.last bias)))) - 0.75))
                1e-6
                "its logistic function"

            Expect.isLessThan (abs (log (1.0 + exp (float bias[2])) - 5.0)) 1e-5 "the key strength beside it"
        }
    ]

/// The price after one step, and the gradient that the interface values get from it or from what is read.
let private gradients (gate: float) (of': torch.Tensor -> torch.Tensor -> torch.Tensor) : float[] =
    use scope = torch.NewDisposeScope()
    use policy = new LearnedGatePolicy(LearnedGateOptions(Width = 1, Threshold = 0.5, Price = 0.2))
    let memory = torch.zeros (1L, 2L, 1L, torch.float64)
    let values = torch.tensor([| 1.0; 1.0; 1.0; gate |], 1L, 4L).requires_grad_ true
    let _, read, (memory, state) = take policy values (memory, policy.Start memory)
    (of' (nonNull state.Price) (Addressing.Read(memory, read.Weighting))).sum().backward()
    Tensors.values (Tensors.gradient values)

let private price =
    testList "price" [
        test "every vector costs its gate times the price, saved or not" {
            for gate in [ -0.7; 0.7 ] do
                let g = 1.0 / (1.0 + exp -gate)

                near
                    (gradients gate (fun price _ -> price))
                    [| 0.0; 0.0; 0.0; 0.2 * g * (1.0 - g) |]
                    "its gradient"
        }

        test "what is read tells an open gate what it was worth, and a shut one nothing" {
            let read gate = gradients gate (fun _ read -> read)
            // One slot is held, so that its strength alone decides how much of the vector is read.
            let g = 1.0 / (1.0 + exp -0.7)
            near [| (read 0.7)[3] |] [| tanh 1.0 * g * (1.0 - g) |] "the gate's gradient"
            Expect.equal (read -0.7) (Array.zeroCreate 4) "nothing is read"
        }
    ]

let tests = testList "LearnedGatePolicy" [ asLoops; drawn; price ]

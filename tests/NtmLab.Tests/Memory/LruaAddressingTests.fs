module NtmLab.Tests.Memory.LruaAddressingTests

open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Tests
open NtmLab.Tests.Memory.AddressingCase
open TorchSharp

let private byHand =
    testList "by hand" [
        // 0.5 * 2 + 0.1 + 0.3, 0.5 * 1 + 0.9 + 0.2
        worked
            "usage fades, and grows with every head's write"
            (fun () ->
                LruaAddressing.UsageAfterWrite(
                    row [ 2.0; 1.0 ],
                    (0.5).ToScalar(),
                    Tensors.rows [ [ 0.1; 0.9 ]; [ 0.3; 0.2 ] ]
                ))
            [ [ 1.4; 1.6 ] ]

        // 1 + 0.1 + 0.3, 2 + 0.9 + 0.7
        worked
            "usage grows with every head's read"
            (fun () ->
                LruaAddressing.UsageAfterRead(row [ 1.0; 2.0 ], Tensors.rows [ [ 0.1; 0.9 ]; [ 0.3; 0.7 ] ]))
            [ [ 1.4; 3.6 ] ]

        worked
            "the least used slots are those of the smallest usages"
            (fun () -> LruaAddressing.LeastUsed(row [ 0.5; 0.1; 0.9; 0.3 ], 2))
            [ [ 0.0; 1.0; 0.0; 1.0 ] ]

        worked
            "of equally used slots the first ones are taken, and no more than asked for"
            (fun () -> LruaAddressing.LeastUsed(row [ 0.7; 0.2; 0.2; 0.2 ], 2))
            [ [ 0.0; 1.0; 1.0; 0.0 ] ]

        // 0.25 * 0.2 + 0.75 * 0, 0.25 * 0.3 + 0.75 * 1, 0.25 * 0.5 + 0.75 * 0
        worked
            "the write weighting is gated between the last read and the least used slots"
            (fun () ->
                LruaAddressing.WriteWeighting(row [ 0.25 ], row [ 0.2; 0.3; 0.5 ], row [ 0.0; 1.0; 0.0 ]))
            [ [ 0.05; 0.825; 0.125 ] ]
    ]

let private usages (case: AddressingCase) : torch.Tensor =
    Tensors.uniform (RandomStream(case.Seed, "usage")) 0.0 3.0 [ case.Batch; 1; case.Slots ]

let private laws =
    testList "laws" [
        law "the least used slots are as in plain loops, with ties too" (fun case ->
            let count = min case.Heads case.Slots

            for usage in [ usages case; usages(case).round() ] do
                let values = Tensors.values3 usage

                equals case (LruaAddressing.LeastUsed(usage, count)) (fun b -> [|
                    LruaOracle.leastUsed values[b].[0] count
                |]))

        law
            "there are as many least used slots as asked for, and none is used more than another slot"
            (fun case ->
                let count = min case.Heads case.Slots
                let usage = usages case
                let least = Tensors.values3 (LruaAddressing.LeastUsed(usage, count))
                let used = Tensors.values3 usage

                for b in 0 .. case.Batch - 1 do
                    let chosen, others =
                        Array.zip (Array.head least[b]) (Array.head used[b])
                        |> Array.partition (fun (indicator, _) -> indicator = 1.0)

                    Expect.equal chosen.Length count "as many as asked for"
                    Expect.all others (fun (indicator, _) -> indicator = 0.0) "0 or 1"

                    for _, used in others do
                        Expect.all chosen (fun (_, least) -> least <= used) "the smallest usages")

        law "read weightings are weightings, as in plain loops" (fun case ->
            let x = Operands case
            let weighting = LruaAddressing.ReadWeighting(x.Key, x.Memory)
            isWeighting weighting 1e-12 "read"
            let key, memory = Tensors.values3 x.Key, Tensors.values3 x.Memory

            equals case weighting (fun b ->
                key[b] |> Array.map (fun key -> LruaOracle.readWeighting key memory[b])))

        law "write weightings are as in plain loops" (fun case ->
            let x = Operands case
            let least = LruaAddressing.LeastUsed(usages case, 1)

            let gate, read, indicator =
                Tensors.values3 x.Gate, Tensors.values3 x.Weighting, Tensors.values3 least

            equals case (LruaAddressing.WriteWeighting(x.Gate, x.Weighting, least)) (fun b ->
                Array.map2
                    (fun (gate: float[]) read -> LruaOracle.writeWeighting gate[0] read indicator[b].[0])
                    gate[b]
                    read[b]))
    ]

let private gradients =
    testList "gradients" [
        test "of read and write weightings are those of finite differences" {
            use scope = torch.NewDisposeScope()
            let case = { Batch = 2; Heads = 3; Slots = 7; Width = 5; Shifts = 1; Seed = 1UL }
            let x = Operands case
            let least = LruaAddressing.LeastUsed(usages case, 3)

            GradientCheck.checkAll [ "key", x.Key; "memory", x.Memory ] (fun () ->
                LruaAddressing.ReadWeighting(x.Key, x.Memory))

            GradientCheck.checkAll [ "gate", x.Gate; "last read", x.Weighting ] (fun () ->
                LruaAddressing.WriteWeighting(x.Gate, x.Weighting, least))
        }

        test "do not pass through usage and the choice of slots" {
            use scope = torch.NewDisposeScope()
            let case = { Batch = 1; Heads = 2; Slots = 5; Width = 3; Shifts = 1; Seed = 2UL }
            let weighting = Operands(case).Weighting.requires_grad_ true
            let start = torch.zeros (1L, 1L, 5L, dtype = torch.float64)
            let written = LruaAddressing.UsageAfterWrite(start, (0.5).ToScalar(), weighting)
            let usage = LruaAddressing.UsageAfterRead(written, weighting)
            Expect.isFalse usage.requires_grad "usage"
            Expect.isFalse (LruaAddressing.LeastUsed(usage, 2)).requires_grad "the indicator"
        }
    ]

let tests = testList "LruaAddressing" [ byHand; laws; gradients ]

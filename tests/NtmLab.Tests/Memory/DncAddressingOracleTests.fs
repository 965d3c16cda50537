module NtmLab.Tests.Memory.DncAddressingOracleTests

open Expecto
open NtmLab.Memory
open NtmLab.Tests.Memory.AddressingCase
open NtmLab.Tests.Memory.DncOperands
open TorchSharp

let tests =
    testList "DncAddressing as plain loops" [
        law "retention" (fun case ->
            let x = DncOperands case

            equals case (DncAddressing.Retention(x.FreeGate, x.LastRead)) (fun b -> [|
                DncOracle.retention (each x.FreeGate b) (heads x.LastRead b)
            |]))

        law "usage" (fun case ->
            let x = DncOperands case

            equals case (DncAddressing.Usage(x.Usage, x.LastWrite, x.Retention)) (fun b -> [|
                DncOracle.usage (only x.Usage b) (only x.LastWrite b) (only x.Retention b)
            |]))

        law "allocation" (fun case ->
            let x = DncOperands case

            equals case (DncAddressing.Allocation x.Usage) (fun b -> [|
                DncOracle.allocation (only x.Usage b)
            |]))

        law "allocation of usages with many ties, 0 and 1 among them" (fun case ->
            let usage = (DncOperands(case).Usage * (3.0).ToScalar()).round() / (3.0).ToScalar()
            equals case (DncAddressing.Allocation usage) (fun b -> [| DncOracle.allocation (only usage b) |]))

        law "write weighting" (fun case ->
            let x = DncOperands case

            let weighting =
                DncAddressing.WriteWeighting(x.WriteGate, x.AllocationGate, x.Allocation, x.Content)

            equals case weighting (fun b -> [|
                DncOracle.writeWeighting
                    (value x.WriteGate b)
                    (value x.AllocationGate b)
                    (only x.Allocation b)
                    (only x.Content b)
            |]))

        law "precedence" (fun case ->
            let x = DncOperands case

            equals case (DncAddressing.Precedence(x.Precedence, x.Write)) (fun b -> [|
                DncOracle.precedence (only x.Precedence b) (only x.Write b)
            |]))

        law "links" (fun case ->
            let x = DncOperands case

            equals case (DncAddressing.Links(x.Links, x.Precedence, x.Write)) (fun b ->
                DncOracle.links (heads x.Links b) (only x.Precedence b) (only x.Write b)))

        law "forward and backward weightings" (fun case ->
            let x = DncOperands case

            equals case (DncAddressing.Forward(x.Links, x.LastRead)) (fun b ->
                heads x.LastRead b |> Array.map (DncOracle.forward (heads x.Links b)))

            equals case (DncAddressing.Backward(x.Links, x.LastRead)) (fun b ->
                heads x.LastRead b |> Array.map (DncOracle.backward (heads x.Links b))))

        law "read weightings" (fun case ->
            let x = DncOperands case

            let weighting = DncAddressing.ReadWeighting(x.Modes, x.Backward, x.ReadContent, x.Forward)

            equals case weighting (fun b ->
                Array.init case.Heads (fun h ->
                    DncOracle.readWeighting
                        (head x.Modes b h)
                        (head x.Backward b h)
                        (head x.ReadContent b h)
                        (head x.Forward b h))))

        law "masked content" (fun case ->
            let x = DncOperands case

            equals case (DncAddressing.MaskedContent(x.Key, x.KeyStrength, x.Mask, x.Memory)) (fun b ->
                let content key strength mask = DncOracle.maskedContent key strength mask (heads x.Memory b)
                Array.map3 content (heads x.Key b) (each x.KeyStrength b) (heads x.Mask b)))

        law "sharpened links" (fun case ->
            let x = DncOperands case

            equals case (DncAddressing.SharpenLinks(x.Forward, x.Sharpening)) (fun b ->
                Array.map2 DncOracle.sharpenLinks (heads x.Forward b) (each x.Sharpening b)))
    ]

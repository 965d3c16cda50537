module NtmLab.Tests.Memory.DncAddressingGradientTests

open Expecto
open NtmLab.Memory
open NtmLab.Tests
open NtmLab.Tests.Memory.AddressingCase
open NtmLab.Tests.Memory.DncOperands
open TorchSharp

let private cases = [
    { Batch = 2; Heads = 3; Slots = 7; Width = 5; Shifts = 1; Seed = 1UL }
    { Batch = 1; Heads = 1; Slots = 1; Width = 1; Shifts = 1; Seed = 2UL }
]

let private gradients
    (name: string)
    (of': DncOperands -> (string * torch.Tensor) list * (unit -> torch.Tensor))
    : Test = test $"{name}'s gradients are those of finite differences" {
    for case in cases do
        use scope = torch.NewDisposeScope()
        let variables, f = of' (DncOperands case)
        GradientCheck.checkAll variables f
}

let tests =
    testList "DncAddressing gradients" [
        gradients "retention" (fun x ->
            [ "free gate", x.FreeGate; "last read", x.LastRead ],
            (fun () -> DncAddressing.Retention(x.FreeGate, x.LastRead)))

        gradients "usage" (fun x ->
            [ "usage", x.Usage; "last write", x.LastWrite; "retention", x.Retention ],
            fun () -> DncAddressing.Usage(x.Usage, x.LastWrite, x.Retention))

        gradients "allocation" (fun x -> [ "usage", x.Usage ], (fun () -> DncAddressing.Allocation x.Usage))

        gradients "write weighting" (fun x ->
            [
                "write gate", x.WriteGate
                "allocation gate", x.AllocationGate
                "allocation", x.Allocation
                "content", x.Content
            ],
            fun () -> DncAddressing.WriteWeighting(x.WriteGate, x.AllocationGate, x.Allocation, x.Content))

        gradients "precedence" (fun x ->
            [ "precedence", x.Precedence; "write", x.Write ],
            (fun () -> DncAddressing.Precedence(x.Precedence, x.Write)))

        gradients "links" (fun x ->
            [ "links", x.Links; "precedence", x.Precedence; "write", x.Write ],
            fun () -> DncAddressing.Links(x.Links, x.Precedence, x.Write))

        gradients "forward weighting" (fun x ->
            [ "links", x.Links; "last read", x.LastRead ],
            (fun () -> DncAddressing.Forward(x.Links, x.LastRead)))

        gradients "backward weighting" (fun x ->
            [ "links", x.Links; "last read", x.LastRead ],
            (fun () -> DncAddressing.Backward(x.Links, x.LastRead)))

        gradients "read weighting" (fun x ->
            [ "modes", x.Modes; "backward", x.Backward; "content", x.ReadContent; "forward", x.Forward ],
            fun () -> DncAddressing.ReadWeighting(x.Modes, x.Backward, x.ReadContent, x.Forward))

        gradients "masked content" (fun x ->
            [ "key", x.Key; "key strength", x.KeyStrength; "mask", x.Mask; "memory", x.Memory ],
            fun () -> DncAddressing.MaskedContent(x.Key, x.KeyStrength, x.Mask, x.Memory))

        gradients "sharpened links" (fun x ->
            [ "weighting", x.Forward; "sharpening", x.Sharpening ],
            fun () -> DncAddressing.SharpenLinks(x.Forward, x.Sharpening))

        test "allocation's gradient is exact also where slots are unused" {
            use scope = torch.NewDisposeScope()
            // The first slot comes first: a = [1 - u1, (1 - u2) u1, (1 - u3) u1 u2].
            let usage = row([ 0.0; 0.0; 0.5 ]).requires_grad_ true
            (DncAddressing.Allocation usage * row [ 1.0; 4.0; 16.0 ]).sum().backward()
            // -1 + 4 (1 - u2) + 16 (1 - u3) u2, -4 u1 + 16 (1 - u3) u1, -16 u1 u2
            same (Tensors.gradient usage) (row [ 3.0; 0.0; 0.0 ]) "nothing is divided by a usage of 0"
        }
    ]

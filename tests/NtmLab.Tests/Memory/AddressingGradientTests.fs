module NtmLab.Tests.Memory.AddressingGradientTests

open Expecto
open NtmLab.Memory
open NtmLab.Tests
open NtmLab.Tests.Memory.AddressingCase
open TorchSharp

let private cases = [
    { Batch = 2; Heads = 3; Slots = 7; Width = 5; Shifts = 5; Seed = 1UL }
    { Batch = 1; Heads = 1; Slots = 1; Width = 1; Shifts = 1; Seed = 2UL }
    { Batch = 1; Heads = 2; Slots = 5; Width = 3; Shifts = 5; Seed = 3UL }
]

let private gradients
    (name: string)
    (of': Operands -> (string * torch.Tensor) list * (unit -> torch.Tensor))
    : Test = test $"{name}'s gradients are those of finite differences" {
    for case in cases do
        use scope = torch.NewDisposeScope()
        let variables, f = of' (Operands case)
        GradientCheck.checkAll variables f
}

let tests =
    testList "Addressing gradients" [
        gradients "cosine similarity" (fun x ->
            [ "key", x.Key; "memory", x.Memory ], (fun () -> Addressing.CosineSimilarity(x.Key, x.Memory)))

        gradients "content addressing" (fun x ->
            [ "key", x.Key; "key strength", x.KeyStrength; "memory", x.Memory ],
            fun () -> Addressing.Content(x.Key, x.KeyStrength, x.Memory))

        gradients "interpolation" (fun x ->
            [ "gate", x.Gate; "content", x.Weighting; "previous", x.Previous ],
            fun () -> Addressing.Interpolate(x.Gate, x.Weighting, x.Previous))

        gradients "shift" (fun x ->
            [ "weighting", x.Weighting; "shift", x.Shift ],
            (fun () -> Addressing.Shift(x.Weighting, x.Shift)))

        gradients "sharpening" (fun x ->
            [ "weighting", x.Weighting; "sharpening", x.Sharpening ],
            fun () -> Addressing.Sharpen(x.Weighting, x.Sharpening))

        gradients "read" (fun x ->
            [ "memory", x.Memory; "weighting", x.Weighting ],
            (fun () -> Addressing.Read(x.Memory, x.Weighting)))

        gradients "write" (fun x ->
            [ "memory", x.Memory; "weighting", x.Weighting; "erase", x.Erase; "add", x.Add ],
            fun () -> Addressing.Write(x.Memory, x.Weighting, x.Erase, x.Add))
    ]

module NtmLab.Tests.Memory.AddressingTests

open System
open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Tests
open NtmLab.Tests.Memory.AddressingCase
open TorchSharp

let private constant (value: float) (like: torch.Tensor) : torch.Tensor =
    torch.full_like (like, value.ToScalar())

let private content =
    testList "content" [
        law "content weightings are weightings" (fun case ->
            let x = Operands case
            isWeighting (Addressing.Content(x.Key, x.KeyStrength, x.Memory)) 1e-12 "content")

        law "key strength 0 looks everywhere alike" (fun case ->
            let x = Operands case
            let weighting = Addressing.Content(x.Key, constant 0.0 x.KeyStrength, x.Memory)
            same weighting (constant (1.0 / float case.Slots) weighting) "all slots weigh the same")

        law "identical slots weigh the same" (fun case ->
            let x = Operands case
            let memory = x.Memory.narrow(1L, 0L, 1L).expand_as x.Memory
            let weighting = Addressing.Content(x.Key, x.KeyStrength, memory)
            same weighting (constant (1.0 / float case.Slots) weighting) "nothing tells them apart")

        law "a large key strength finds the slot that equals the key" (fun case ->
            // Slots at right angles to each other: the others have similarity 0.
            let memory = torch.eye(int64 case.Slots, dtype = torch.float64).unsqueeze 0L
            let key = memory.narrow (1L, int64 case.Slots / 2L, 1L) * (0.3).ToScalar()
            let strength = torch.full ([| 1L; 1L; 1L |], (50.0).ToScalar(), dtype = torch.float64)
            let found = Addressing.Content(key, strength, memory).[0L, 0L, int64 case.Slots / 2L]
            Expect.isGreaterThan (found.ToDouble()) 0.9999 "nearly all weight")

        law "the length of the key does not matter" (fun case ->
            let x = Operands case
            // Away from zero, where the epsilon in the denominator would show.
            let key, memory = x.Key + (2.0).ToScalar(), x.Memory + (2.0).ToScalar()
            let longer = Addressing.CosineSimilarity(key * (100.0).ToScalar(), memory)

            Expect.isLessThan
                (Tensors.distance longer (Addressing.CosineSimilarity(key, memory)))
                1e-7
                "only its direction")

        test "an all-zero key or slot gives finite similarities and gradients" {
            let key = torch.zeros (1L, 1L, 3L, requires_grad = true)
            let memory = torch.zeros (1L, 4L, 3L, requires_grad = true)
            let similarity = Addressing.CosineSimilarity(key, memory)
            similarity.sum().backward()
            let all = [ similarity; Tensors.gradient key; Tensors.gradient memory ]

            Expect.all
                all
                (fun tensor -> tensor.isfinite().all().ToBoolean())
                "the cosine of nothing is defined"
        }
    ]

let private interpolation =
    testList "interpolation" [
        law "interpolated weightings are weightings" (fun case ->
            let x = Operands case
            isWeighting (Addressing.Interpolate(x.Gate, x.Weighting, x.Previous)) 1e-12 "interpolation")

        law "gate 0 keeps the previous weighting" (fun case ->
            let x = Operands case

            same
                (Addressing.Interpolate(constant 0.0 x.Gate, x.Weighting, x.Previous))
                x.Previous
                "the content is ignored")

        law "gate 1 takes the content weighting" (fun case ->
            let x = Operands case

            same
                (Addressing.Interpolate(constant 1.0 x.Gate, x.Weighting, x.Previous))
                x.Weighting
                "the past is ignored")
    ]

let private shift =
    testList "shift" [
        law "shifted weightings are weightings" (fun case ->
            let x = Operands case
            isWeighting (Addressing.Shift(x.Weighting, x.Shift)) 1e-12 "shift")

        law "a shift by j is the rotation by j" (fun case ->
            let x = Operands case
            let reach = (case.Shifts - 1) / 2

            for by in -reach .. reach do
                let rotated (w: float[]) = Array.permute (fun i -> (i + by + case.Slots) % case.Slots) w
                let expected = Tensors.values3 x.Weighting |> Array.map (Array.map rotated)
                let shifted = Addressing.Shift(x.Weighting, shiftBy case by)
                Expect.equal (Tensors.values3 shifted) expected $"every weight moved by {by}")

        law "a shift keeps the sum of any weights" (fun case ->
            let x = Operands case
            let weights = x.Weighting * (3.0).ToScalar()
            same (Addressing.Shift(weights, x.Shift).sum -1L) (weights.sum -1L) "nothing is lost at the ends")

        law "shifting there and back is the identity" (fun case ->
            let x = Operands case

            for by in 0 .. (case.Shifts - 1) / 2 do
                let there = Addressing.Shift(x.Weighting, shiftBy case by)
                same (Addressing.Shift(there, shiftBy case -by)) x.Weighting $"by {by} and by {-by}")

        law "shifting by 0 is the identity" (fun case ->
            let x = Operands case
            same (Addressing.Shift(x.Weighting, shiftBy case 0)) x.Weighting "the middle entry stays")

        law "an even shift weighting that reaches every slot spreads any focus over all" (fun case ->
            let case = { case with Slots = case.Slots / 2 * 2 + 1; Shifts = case.Slots / 2 * 2 + 1 }
            let even = 1.0 / float case.Slots
            let shift = constant even (shiftBy case 0)
            let spread = Addressing.Shift(focus case 0, shift)
            same spread (constant even spread) "each slot is reached exactly once")

        test "entry 0 of the shift weighting is the shift by minus the reach" {
            let weighting = Tensors.rows [ [ 1.0; 0.0; 0.0; 0.0; 0.0; 0.0 ] ]
            let shift = Tensors.rows [ [ 0.5; 0.25; 0.125; 0.0625; 0.0625 ] ]

            Expect.equal
                (Tensors.values (Addressing.Shift(weighting, shift)))
                [| 0.125; 0.0625; 0.0625; 0.0; 0.5; 0.25 |]
                "two back, one back, stay, one on, two on"
        }
    ]

let private sharpening =
    testList "sharpening" [
        law "sharpened weightings are weightings" (fun case ->
            let x = Operands case
            isWeighting (Addressing.Sharpen(x.Weighting, x.Sharpening)) 1e-12 "sharpening")

        law "sharpening 1 is the identity" (fun case ->
            let x = Operands case
            same (Addressing.Sharpen(x.Weighting, constant 1.0 x.Sharpening)) x.Weighting "nothing changes")

        law "more sharpening never lowers the largest weight" (fun case ->
            let x = Operands case

            let largest gamma = Addressing.Sharpen(x.Weighting, constant gamma x.Sharpening).amax([| -1L |])

            for less, more in List.pairwise [ 1.0; 1.5; 2.0; 5.0; 20.0; 100.0 ] do
                let growth = Tensors.values (largest more - largest less)
                Expect.all growth (fun difference -> difference >= -1e-12) $"from {less} to {more}")

        law "a one-hot weighting stays as it is" (fun case ->
            let x = Operands case
            let weighting = focus case (case.Slots / 2)

            Expect.isLessThan
                (Tensors.distance (Addressing.Sharpen(weighting, x.Sharpening)) weighting)
                1e-14
                "it is sharp")

        for precision in [ torch.float32; torch.float64 ] do
            test $"sharpening by 10000 gives numbers and gradients in {precision}" {
                let weights =
                    torch.tensor([| 0.0; 1e-30; 0.2; 0.3; 0.5; 0.0 |]).``to``(precision).view(1L, 1L, 6L)

                let weighting = weights.requires_grad_ true

                let gamma =
                    torch.full ([| 1L; 1L; 1L |], (1e4).ToScalar(), dtype = precision, requires_grad = true)

                let sharp = Addressing.Sharpen(weighting, gamma)
                (sharp * torch.arange (6L, dtype = precision)).sum().backward()

                Expect.floatClose
                    Accuracy.medium
                    (sharp[0L, 0L, 4L].to_type(torch.float64).ToDouble())
                    1.0
                    "the largest"

                for tensor in [ sharp; Tensors.gradient weighting; Tensors.gradient gamma ] do
                    Expect.isTrue (tensor.isfinite().all().ToBoolean()) "no infinity, no NaN"
            }
    ]

let private readAndWrite =
    testList "read and write" [
        law "reading under a one-hot weighting gives that slot" (fun case ->
            let x = Operands case

            for slot in 0 .. case.Slots - 1 do
                let expected = x.Memory.narrow(1L, int64 slot, 1L).expand_as x.Key

                Expect.equal
                    (Tensors.distance (Addressing.Read(x.Memory, focus case slot)) expected)
                    0.0
                    $"slot {slot}")

        law "writing with weight 0 changes nothing" (fun case ->
            let x = Operands case
            let written = Addressing.Write(x.Memory, constant 0.0 x.Weighting, x.Erase, x.Add)
            Expect.equal (Tensors.distance written x.Memory) 0.0 "the memory as it was")

        law "a focused write that erases all replaces the slot by the add vector" (fun case ->
            let case = { case with Heads = 1 }
            let x = Operands case

            for slot in 0 .. case.Slots - 1 do
                let written = Addressing.Write(x.Memory, focus case slot, constant 1.0 x.Erase, x.Add)
                let expected = x.Memory.clone ()
                expected.narrow(1L, int64 slot, 1L).copy_ x.Add |> ignore
                same written expected "that slot is new, the others are as before")

        law "the order of heads does not matter to a write" (fun case ->
            let x = Operands case
            let reversed (tensor: torch.Tensor) = tensor.flip [| 1L |]

            same
                (Addressing.Write(x.Memory, reversed x.Weighting, reversed x.Erase, reversed x.Add))
                (Addressing.Write(x.Memory, x.Weighting, x.Erase, x.Add))
                "heads in reverse order")

        law "a write leaves its operands alone" (fun case ->
            let x = Operands case
            let operands = [ x.Memory; x.Weighting; x.Erase; x.Add ]
            let before = operands |> List.map Tensors.bits
            Addressing.Write(x.Memory, x.Weighting, x.Erase, x.Add) |> ignore
            Expect.equal (operands |> List.map Tensors.bits) before "nothing is changed in place")
    ]

let tests = testList "Addressing" [ content; interpolation; shift; sharpening; readAndWrite ]

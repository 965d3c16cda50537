module NtmLab.Tests.Models.DncModelTests

open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Samples
open NtmLab.Training
open TorchSharp

let private models: (string * DncOptions) list = [
    "an LSTM controller", DncOptions(Controller = lstm 5 1, Slots = 5, Width = 3, ReadHeads = 2)
    "a feed-forward controller", DncOptions(Controller = feedForward 5, Slots = 6, Width = 3, ReadHeads = 1)
    "one slot and four read heads", DncOptions(Controller = lstm 4 1, Slots = 1, Width = 2)
    "no links", DncOptions(Controller = lstm 4 1, Slots = 5, Width = 3, ReadHeads = 2, Links = false)
    "masked content, deallocation and sharpened links",
    DncOptions(
        Controller = lstm 4 1,
        Slots = 5,
        Width = 3,
        ReadHeads = 2,
        MaskContent = true,
        Deallocate = true,
        SharpenLinks = true
    )
]

let private build (options: DncOptions) : MemoryModel =
    options.Build(inputWidth, outputWidth, RandomStream(1UL, "model")) :?> MemoryModel

/// Sets the biases of the allocation and the write gate, with one read head and links: only the three read modes follow them.
let private setGates (value: float) (model: MemoryModel) : unit =
    use noGradient = torch.no_grad ()
    let bias = Tensors.parameter model "interface_bias"
    bias.narrow(0L, bias.shape[0] - 5L, 2L).fill_(value.ToScalar()) |> ignore

let private numbers =
    testList "numbers" [
        test "gradients stay moderate however far the gates are open" {
            use scope = torch.NewDisposeScope()

            for gate in [ 0.0; 5.0; 15.0; 100.0 ] do
                // Twelve steps on six slots: empty ones at first, then full ones.
                let model = build (DncOptions(Controller = lstm 8 1, Slots = 6, Width = 4, ReadHeads = 1))
                setGates gate model
                (GradientCheck.scalar (model.Forward(input 3UL 2 12))).backward()

                for name, parameter in GradientCheck.parameters model do
                    let largest = (Tensors.gradient parameter).abs().max().ToDouble()
                    Expect.isLessThan largest 100.0 $"{name}, gates at {gate}"
        }

        test "a model that is given more slots equals one that was built with as many" {
            use scope = torch.NewDisposeScope()
            use noGradient = torch.no_grad ()
            let withSlots slots = build (DncOptions(Controller = lstm 5 1, Slots = slots, Width = 3))
            let few, many = withSlots 4, withSlots 9
            few.Slots <- 9
            let x = input 4UL 2 6

            Expect.equal
                (Tensors.bits (few.Forward x))
                (Tensors.bits (many.Forward x))
                "no parameter depends on them"
        }
    ]

let private sizes =
    testList "sizes" [
        test "the defaults are the paper's" {
            let options = DncOptions()
            Expect.equal options.ReadHeads 4 "read heads"
            Expect.equal options.InitialMemory 0.0f "an empty memory"
            Expect.isTrue options.Links "links"

            Expect.isFalse
                (options.MaskContent || options.Deallocate || options.SharpenLinks)
                "later improvements"
        }

        test "the model has the parameters of the paper's equations" {
            let model =
                (DncOptions(Controller = lstm 50 1, Slots = 16, Width = 12, ReadHeads = 3))
                    .Build(9, 8, RandomStream(1UL, "model"))

            let reads = 3 * 12
            let lstm = 4 * 50 * (9 + reads + 50 + 1) + 2 * 50 // weights and biases; initial hidden and cell
            let heads = 12 * 3 + 3 * 12 + 5 * 3 + 3
            let projections = heads * (50 + 1) + 8 * (50 + reads + 1)
            Expect.equal model.ParameterCount (int64 (lstm + projections + reads)) "with the first reads"
        }

        test "the state grows with the square of the slots only with links" {
            let size slots links =
                (build (
                    DncOptions(
                        Controller = feedForward 4,
                        Slots = slots,
                        Width = 5,
                        ReadHeads = 2,
                        Links = links
                    )
                ))
                    .StateSize

            // Memory and reads; usage, two read weightings and the write weighting.
            let plain slots = slots * 5L + 2L * 5L + slots * (1L + 2L + 1L)
            Expect.equal (size 10 false) (plain 10L) "without"
            Expect.equal (size 10 true) (plain 10L + 10L + 10L * 10L) "with precedence and links"
        }

        for name, plain, more in
            [
                "links", DncOptions(Links = false), DncOptions()
                "masks", DncOptions(), DncOptions(MaskContent = true)
                "deallocation", DncOptions(), DncOptions(Deallocate = true)
                "sharpening", DncOptions(), DncOptions(SharpenLinks = true)
            ] do
            test $"{name} cost multiply-adds" {
                Expect.isGreaterThan
                    (build more).MultiplyAddsPerStep
                    (build plain).MultiplyAddsPerStep
                    "more is done"
            }
    ]

let private refused =
    testList "refused" [
        test "sharpened links without links are refused" {
            Faults.says<ConfigurationException> [ "model.sharpenLinks"; "true"; "model.links" ] (fun () ->
                DncOptions(SharpenLinks = true, Links = false).Validate())
        }

        test "options of every memory model are checked too" {
            Faults.says<ConfigurationException> [ "model.readHeads"; "0"; "1 or more" ] (fun () ->
                DncOptions(ReadHeads = 0).Validate())

            Faults.says<ConfigurationException> [ "model.width"; "0"; "1 or more" ] (fun () ->
                new DncPolicy(DncOptions(Width = 0)) |> ignore)
        }
    ]

let tests =
    testList "DncModel" [
        for name, options in models do
            ModelLaws.tests name options

        ModelLaws.learns
            (DncOptions(Controller = lstm 24 1, Slots = 6, Width = 6, ReadHeads = 1))
            10_000L
            (RmsPropOptions(LearningRate = 1e-2))
        numbers
        sizes
        refused
    ]

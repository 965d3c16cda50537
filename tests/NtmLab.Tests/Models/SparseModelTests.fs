module NtmLab.Tests.Models.SparseModelTests

open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Samples
open NtmLab.Training

let private models: (string * SparseOptions) list = [
    "an LSTM controller", SparseOptions(Controller = lstm 5 1, Slots = 7, Width = 3, Nearest = 3)
    "a feed-forward controller",
    SparseOptions(Controller = feedForward 5, Slots = 9, Width = 3, Nearest = 2, InitialSpread = 0.5)
    "three heads", SparseOptions(Controller = lstm 4 2, Slots = 11, Width = 2, ReadHeads = 3, Nearest = 2)
    "a head that reads every slot",
    SparseOptions(Controller = lstm 4 1, Slots = 4, Width = 3, ReadHeads = 2, Nearest = 4)
    "a head that reads one slot", SparseOptions(Controller = lstm 4 1, Slots = 8, Width = 3, Nearest = 1)
]

let private build (options: SparseOptions) : MemoryModel =
    options.Build(inputWidth, outputWidth, RandomStream(1UL, "model")) :?> MemoryModel

let private sizes =
    testList "sizes" [
        test "the model has the parameters of the paper's equations" {
            let model =
                (SparseOptions(Controller = lstm 50 1, Slots = 16, Width = 12, ReadHeads = 3))
                    .Build(9, 8, RandomStream(1UL, "model"))

            let reads = 3 * 12
            let lstm = 4 * 50 * (9 + reads + 50 + 1) + 2 * 50 // weights and biases; initial hidden and cell
            let heads = 3 * (2 * 12 + 3) // query, add vector, key strength and two gates each
            let projections = heads * (50 + 1) + 8 * (50 + reads + 1)
            Expect.equal model.ParameterCount (int64 (lstm + projections + reads)) "with the first reads"
        }

        test "the state holds the usage and the read weightings of every slot" {
            let model =
                build (SparseOptions(Controller = feedForward 4, Slots = 10, Width = 5, ReadHeads = 2))

            Expect.equal model.StateSize (10L * 5L + 2L * 5L + 10L * (1L + 2L)) "beside memory and reads"
        }

        test "heads start with the key strength that was asked for" {
            let bias strength =
                let options = SparseOptions(Width = 5, ReadHeads = 2, InitialKeyStrength = strength)
                Tensors.values (Tensors.parameter (build options) "interface_bias")

            let softplus x = log (1.0 + exp x)
            Expect.all (bias NtmOptions.NeutralKeyStrength) ((=) 0.0) "by default no bias"
            let places = bias 5.0 |> Array.indexed |> Array.filter (fun (_, value) -> value <> 0.0)
            Expect.equal (Array.map fst places) [| 10; 11 |] "after the queries of both heads"

            for _, value in places do
                Expect.isLessThan (abs (softplus value - 5.0)) 1e-6 "through softplus"
        }
    ]

let private refused =
    testList "refused" [
        for nearest, words in
            [ 0, [ "0"; "1 or more" ]; 9, [ "9"; "8 slots"; "at most the number of slots" ] ] do
            test $"to read {nearest} of 8 slots is refused" {
                Faults.says<ConfigurationException> ("model.nearest" :: words) (fun () ->
                    SparseOptions(Slots = 8, Nearest = nearest).Validate())
            }

        test "a key strength of 0 is refused" {
            Faults.says<ConfigurationException>
                [ "model.initialKeyStrength"; "0"; "greater than 0" ]
                (fun () -> SparseOptions(InitialKeyStrength = 0.0).Validate())
        }

        test "more heads than slots are refused, and later fewer slots than heads or than a head reads" {
            Faults.says<ConfigurationException> [ "model.readHeads"; "5"; "4 slots" ] (fun () ->
                SparseOptions(ReadHeads = 5, Slots = 4).Validate())

            let model =
                build (
                    SparseOptions(
                        Controller = feedForward 4,
                        Slots = 8,
                        Width = 3,
                        ReadHeads = 2,
                        Nearest = 4
                    )
                )

            Faults.says<ConfigurationException> [ "model.slots"; "3"; "4 or more" ] (fun () ->
                model.Slots <- 3)
        }

        test "options of every memory model are checked too" {
            Faults.says<ConfigurationException> [ "model.width"; "0"; "1 or more" ] (fun () ->
                SparseOptions(Width = 0).Validate())
        }
    ]

let tests =
    testList "SparseModel" [
        for name, options in models do
            ModelLaws.tests name options

        ModelLaws.learns
            (SparseOptions(Controller = lstm 24 1, Slots = 16, Width = 6))
            20_000L
            (RmsPropOptions(LearningRate = 3e-3))
        sizes
        refused
    ]

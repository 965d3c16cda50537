module NtmLab.Tests.Models.RecurrentModelTests

open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Training
open TorchSharp

let private samples: (string * ModelOptions) list = [
    "rnn", RnnOptions(Units = 5)
    "rnn that starts as the identity, two layers",
    RnnOptions(Units = 4, Layers = 2, HiddenStart = HiddenStart.Identity)
    "rnn that starts as a rotation, normalised",
    RnnOptions(Units = 5, HiddenStart = HiddenStart.Orthogonal, LayerNorm = true)
    "gru", GruOptions(Units = 5)
    "gru of two layers with a chrono start, normalised",
    GruOptions(Units = 4, Layers = 2, ChronoLag = 50, LayerNorm = true)
    "lstm of two layers", LstmOptions(Units = 4, Layers = 2)
    "lstm with a chrono start from zeros",
    LstmOptions(Units = 5, ChronoLag = 50, FirstState = FirstState.Zero)
    "lstm, normalised", LstmOptions(Units = 5, LayerNorm = true)
    "lstm of three layers with skip connections", LstmOptions(Units = 3, Layers = 3, Skip = true)
]

let private learners: (string * ModelOptions) list = [
    "rnn", RnnOptions(Units = 40, HiddenStart = HiddenStart.Orthogonal)
    "gru", GruOptions(Units = 40)
    "lstm", LstmOptions(Units = 40)
    "lstm, normalised", LstmOptions(Units = 24, LayerNorm = true)
]

let private bias (options: ModelOptions) : float[] =
    use model = options.Build(3, 2, RandomStream(1UL, "model"))
    Tensors.values (Tensors.parameter model "layers.bias_0")

let private starts =
    testList "starts" [
        test "a chrono start spreads the forget gates over all lags, and closes the input gates as far" {
            let units, lag = 400, 1000
            let values = bias (LstmOptions(Units = units, ChronoLag = lag))
            let input, forget = values[.. units - 1], values[units .. 2 * units - 1]
            Expect.equal input (Array.map (~-) forget) "one is the other's negative"
            Expect.all forget (fun b -> b >= 0.0 && b <= log (float lag)) "ln u with u in [1, T - 1]"
            // Of lags uniform in [1, T], half lie beyond T / 2.
            let long = forget |> Array.filter (fun b -> exp b > float lag / 2.0) |> Array.length
            Expect.isTrue (long > 150 && long < 250) $"{long} of {units} beyond half the lag"
            Expect.all values[2 * units ..] ((=) 0.0) "the other gates start at 0"
        }

        test "a chrono start opens the update gates of a gru" {
            let values = bias (GruOptions(Units = 50, ChronoLag = 100))
            Expect.all values[..49] ((=) 0.0) "reset"
            Expect.all values[50..99] (fun b -> b >= 0.0 && b <= log 100.0) "update"
            Expect.isGreaterThan (Array.average values[50..99]) 2.0 "and not all 0"
        }

        test "hidden weights start orthogonal, or as the identity" {
            let product start =
                use model =
                    RnnOptions(Units = 23, HiddenStart = start).Build(3, 2, RandomStream(1UL, "model"))

                let weight = Tensors.parameter model "layers.hidden_weight_0"
                Tensors.distance (weight.matmul (weight.transpose (0L, 1L))) (torch.eye 23L), weight.clone ()

            let orthogonal, weight = product HiddenStart.Orthogonal
            Expect.isLessThan orthogonal 1e-5 "W W^T = 1"
            Expect.isGreaterThan (Tensors.distance weight (torch.eye 23L)) 0.1 "but not the identity"

            Expect.equal
                (Tensors.distance (snd (product HiddenStart.Identity)) (torch.eye 23L))
                0.0
                "the identity"
        }

        test "a zero first state is no parameter" {
            let names (options: ModelOptions) =
                use model = options.Build(3, 2, RandomStream(1UL, "model"))
                [ for struct (name, _) in model.named_parameters () -> name ]

            let trained = names (LstmOptions(Units = 3))
            let zero = names (LstmOptions(Units = 3, FirstState = FirstState.Zero))

            Expect.equal
                (List.except zero trained)
                [ "layers.initial_hidden_0"; "layers.initial_cell_0" ]
                "two less"
        }
    ]

let private sizes =
    testList "sizes" [
        test "three layers of 256 have the parameters of their equations" {
            let count =
                (LstmOptions(Units = 256, Layers = 3).Build(9, 8, RandomStream(1UL, "model"))).ParameterCount

            let layer inputs = 4 * 256 * (inputs + 256) + 4 * 256 + 2 * 256
            Expect.equal count (int64 (layer 9 + layer 256 + layer 256 + 8 * 256 + 8)) "the sum of all"
        }

        test "a signal passes every step" {
            let model = LstmOptions(Units = 3, Layers = 2).Build(3, 2, RandomStream(1UL, "model"))

            Expect.equal
                [ for lag in [ 0L; 1L; 1000L ] -> model.PathLength lag ]
                [ 3L; 4L; 1003L ]
                "layers + lag + 1"
        }

        test "normalised layers are left to the reference engine" {
            use model = LstmOptions(Units = 3, LayerNorm = true).Build(3, 2, RandomStream(1UL, "model"))
            Expect.isFalse model.CanFuse "no kernel knows them"

            Faults.says<ConfigurationException> [ "compute.engine"; "'fused'"; "lstm" ] (fun () ->
                model.Fuse 1)
        }

        test "options out of range are refused by their path" {
            let refused words (options: ModelOptions) =
                Faults.says<ConfigurationException> words (fun () -> options.Validate())

            refused [ "model.units"; "0" ] (LstmOptions(Units = 0))
            refused [ "model.layers"; "0" ] (GruOptions(Layers = 0))
            refused [ "model.chronoLag"; "1"; "2 or more" ] (LstmOptions(ChronoLag = 1))
            refused [ "model.chronoLag"; "-5" ] (GruOptions(ChronoLag = -5))
            refused [ "model.forgetBias" ] (LstmOptions(ForgetBias = nanf))
        }
    ]

let tests =
    testList "RecurrentModel" [
        for name, options in samples do
            ModelLaws.tests name options
        testList "learning" [
            for name, options in learners do
                testList name [ ModelLaws.learns options 40_000L (RmsPropOptions(LearningRate = 2e-3)) ]
        ]
        starts
        sizes
    ]

module NtmLab.Tests.Probes.JacobianProbeTests

open System
open Expecto
open MathNet.Numerics.LinearAlgebra
open NtmLab
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Tests
open NtmLab.Tests.Samples
open TorchSharp

let private build (options: ModelOptions) : SequenceModel =
    options.Build(inputWidth, outputWidth, RandomStream(1UL, "model"))

let private tensorOf (matrix: Matrix<float>) : torch.Tensor =
    torch.tensor (
        matrix.ToRowMajorArray(),
        ReadOnlySpan<int64> [| int64 matrix.RowCount; int64 matrix.ColumnCount |]
    )

let private matrix (rows: float list list) : Matrix<float> =
    Matrix<float>.Build.DenseOfRows(rows |> Seq.map (fun row -> row :> float seq))

let private matrixOf (tensor: torch.Tensor) : Matrix<float> =
    let values, columns = Tensors.values tensor, int tensor.shape[1]

    Matrix<float>.Build.DenseOfRows(Array.chunkBySize columns values |> Seq.map (fun row -> row :> float seq))

/// A recurrent model whose hidden states are next to 0, where tanh is the identity: h(t) = W h(t-1), so that every Jacobian is W.
let private linear (weights: Matrix<float>) : SequenceModel =
    let model = build (RnnOptions(Units = weights.RowCount))
    use noGradient = torch.no_grad ()

    for struct (name, parameter) in model.named_parameters () do
        parameter.zero_ () |> ignore

        if name.Contains "hidden_weight" then
            parameter.copy_ (tensorOf weights) |> ignore

    model

let private close (actual: float) (expected: float) (what: string) : unit =
    Expect.isLessThan (abs (actual - expected)) 1e-9 $"{what}: {actual}, {expected}"

/// Values that single precision holds exactly; neither symmetric nor normal.
let private weights = matrix [ [ 0.875; 1.0; 0.0 ]; [ 0.0; 0.5; 0.25 ]; [ 0.0; 0.0; 0.125 ] ]

let private analytic =
    testList "analytic" [
        test "a linear recurrence has the spectrum of its weights in every step" {
            use scope = torch.NewDisposeScope()
            use model = linear weights
            let spectrum = JacobianProbe.Measure(model, 40)
            Expect.equal (spectrum.StateSize, spectrum.Steps) (3, 40) "sizes"
            Expect.equal [ for point in spectrum.Points -> point.Step ] [ 10; 20; 30; 40 ] "four points"
            let singular, moduli = weights.Svd().S, [| 0.875; 0.5; 0.125 |]

            for point in spectrum.Points do
                for i in 0..2 do
                    close point.SingularValues[i] singular[i] $"singular value {i}"
                    close point.Moduli[i] moduli[i] $"eigenvalue {i}"

                close point.Norm singular[0] "norm"
                close point.MedianSingularValue singular[1] "median"
                close point.SpectralRadius 0.875 "radius"
                close point.Kept 0.0 "none above 0.99"

            close spectrum.GrowthRate.Value (log (weights.Power(40).L2Norm()) / 40.0) "norm of the product"
        }

        test "its exponents are the logarithms of its eigenvalues, however small their product" {
            use scope = torch.NewDisposeScope()
            use model = linear weights
            // The least singular value of the product is about 1e-903: no double holds it.
            let spectrum = JacobianProbe.Measure(model, 1000, 1)

            for exponent, modulus in Seq.zip spectrum.Exponents [ 0.875; 0.5; 0.125 ] do
                Expect.isLessThan (abs (exponent.Value - log modulus)) 2e-3 $"{exponent}"
        }

        test "a direction that is forgotten at once has no exponent, and one that is kept the exponent 0" {
            use scope = torch.NewDisposeScope()
            use model = linear (matrix [ [ 1.0; 0.0 ]; [ 0.0; 0.0 ] ])
            let spectrum = JacobianProbe.Measure(model, 5)
            close spectrum.Exponents[0].Value 0.0 "kept"
            Expect.isFalse spectrum.Exponents[1].HasValue "forgotten"
            close spectrum.GrowthRate.Value 0.0 "the greatest"
            close spectrum.Points[0].Kept 0.5 "one of two"
        }

        test "a spectrum is that of another library" {
            use scope = torch.NewDisposeScope()
            let values = Tensors.uniform (RandomStream(3UL, "matrix")) -1.0 1.0 [ 17; 17 ]
            let point = JacobianProbe.Spectrum(1, values)
            let other = matrixOf values

            for found, expected in Seq.zip point.SingularValues (other.Svd().S) do
                close found expected "singular value"

            let moduli =
                [ for value in other.Evd().EigenValues -> value.Magnitude ]
                |> List.sortDescending

            for found, expected in Seq.zip point.Moduli moduli do
                close found expected "modulus"
        }
    ]

/// The Jacobian by central differences.
let private byDifferences (model: SequenceModel) (input: torch.Tensor) (state: ModelState) : Matrix<float> =
    use noGradient = torch.no_grad ()
    let parts = Seq.toArray state.Tensors
    let half = 1e-6

    let flat (tensors: torch.Tensor seq) = [|
        for part in tensors do
            if part.is_floating_point () then
                yield! Tensors.values part
    |]

    let columns = [
        for index in 0 .. parts.Length - 1 do
            if parts[index].is_floating_point() then
                for place in 0L .. parts[index].numel() - 1L do
                    let at (by: float) =
                        let moved = parts |> Array.map _.clone()
                        moved[index].view(-1L).narrow(0L, place, 1L) |> Tensors.addNumber by
                        let struct (_, next) = model.Step(input, state.With moved)
                        flat next.Tensors

                    Array.map2 (fun up down -> (up - down) / (2.0 * half)) (at half) (at -half)
    ]

    Matrix<float>.Build.DenseOfColumns(columns |> Seq.map (fun column -> column :> float seq))

let private models: (string * ModelOptions) list = [
    "rnn", RnnOptions(Units = 4)
    "lstm", LstmOptions(Units = 3, Layers = 2)
    "ntm", NtmOptions(Controller = lstm 3 1, Slots = 5, Width = 3)
    "deltanet", DeltaNetOptions(Width = 4, Heads = 2, Layers = 1)
    "ssm", SsmOptions(Width = 3, States = 2, Layers = 2)
    "context-attention", ContextAttentionOptions(Width = 4, Hidden = 3, Context = 3)
]

let private differences =
    testList "differences" [
        for name, options in models do
            test $"the Jacobian of {name} is that of finite differences" {
                use scope = torch.NewDisposeScope()
                use model = build options
                stir 2UL model
                model.``to`` torch.float64 |> ignore
                let x = Tensors.uniform (RandomStream(4UL, "input")) -1.0 1.0 [ 1; 4; inputWidth ]
                let struct (_, state) = model.Run(x.narrow (1L, 0L, 3L), model.InitialState 1L)
                let kept = state.With [| for part in state.Tensors -> part.detach().clone() |]
                let found = matrixOf (JacobianProbe.Of(model, x.select (1L, 3L), kept))
                let expected = byDifferences model (x.select (1L, 3L)) kept
                Expect.isLessThan ((found - expected).L2Norm()) 1e-6 name
            }
    ]

let private unfit: (string list * ModelOptions) list = [
    [ "'keep-all' grows"; "keeps its size" ], KeepAllOptions()
    [ "'ssm' has 8192 values"; "at most 2000"; "--set" ], SsmOptions()
]

let private faults =
    testList "faults" [
        for words, options in unfit do
            test $"a state is refused: {words.Head}" {
                use scope = torch.NewDisposeScope()
                use model = build options

                Faults.says<ConfigurationException> words (fun () ->
                    JacobianProbe.Measure(model, 5) |> ignore)
            }

        test "no steps and tokens are refused" {
            use scope = torch.NewDisposeScope()
            use model = build (GruOptions(Units = 4))

            Faults.says<ConfigurationException> [ "--steps"; "0"; "1 or more" ] (fun () ->
                JacobianProbe.Measure(model, 0) |> ignore)

            use tokens = new TokenModel(GruOptions(Units = 4), 5, 5, RandomStream(1UL, "model"))

            Faults.says<ConfigurationException> [ "tokens" ] (fun () ->
                JacobianProbe.Measure(tokens, 5) |> ignore)
        }
    ]

let tests = testList "JacobianProbe" [ analytic; differences; faults ]

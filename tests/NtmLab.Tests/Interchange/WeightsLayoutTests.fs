module NtmLab.Tests.Interchange.WeightsLayoutTests

open System
open System.Collections.Generic
open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Interchange
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

type private Sizes = { Units: int; Layers: int; Seed: uint64 }

type private Arbitraries =
    static member Sizes() : Arbitrary<Sizes> =
        gen {
            let! units = Gen.choose (1, 6)
            let! layers = Gen.choose (1, 3)
            let! seed = Gen.choose (1, 1000)

            return { Units = units; Layers = layers; Seed = uint64 seed }
        }
        |> Arb.fromGen

let private config = {
    FsCheckConfig.defaultConfig with
        arbitrary = [ typeof<Arbitraries> ]
        maxTest = 15
}

let private kinds: (string * (Sizes -> FirstState -> ModelOptions)) list = [
    "rnn", (fun sizes first -> RnnOptions(Units = sizes.Units, Layers = sizes.Layers, FirstState = first))
    "gru", (fun sizes first -> GruOptions(Units = sizes.Units, Layers = sizes.Layers, FirstState = first))
    "lstm", (fun sizes first -> LstmOptions(Units = sizes.Units, Layers = sizes.Layers, FirstState = first))
]

/// What a model's tensors are in a file, by name.
let private inFile (options: ModelOptions) (model: SequenceModel) : IDictionary<string, torch.Tensor> =
    dict [
        for struct (name, value) in WeightsLayout.Of(options).ToFile(List.toArray (SampleRun.tensors model)) ->
            name, value.detach().clone()
    ]

/// Copies weights from a file's tensors into libtorch's own layers, all of them.
let private load
    (weights: IDictionary<string, torch.Tensor>)
    (prefix: string)
    (into: torch.nn.Module)
    : unit =
    use noGradient = torch.no_grad ()

    for struct (name, parameter) in into.named_parameters () do
        Expect.equal parameter.shape weights[prefix + name].shape name
        parameter.copy_ weights[prefix + name] |> ignore

/// What libtorch's own layers with a linear output give for a model's weights, from its first state.
let private libtorch
    (weights: IDictionary<string, torch.Tensor>)
    (sizes: Sizes)
    (kind: string)
    (x: torch.Tensor)
    =
    let inputs, units, layers = int64 (SampleRun.task.InputWidth()), int64 sizes.Units, int64 sizes.Layers

    let first (name: string) : torch.Tensor =
        match weights.TryGetValue name with
        | true, value -> value.expand(layers, x.shape[0], units).contiguous()
        | false, _ -> torch.zeros (layers, x.shape[0], units)

    let hidden: torch.Tensor =
        match kind with
        | "lstm" ->
            let lstm = torch.nn.LSTM(inputs, units, layers, batchFirst = true)
            load weights "layers." lstm
            let states = struct (first "initial_hidden", first "initial_cell")
            // The compiler takes a nullable pair for a pair of nullables.
            #nowarn 3261
            let struct (output, _, _) = lstm.call (x, Nullable states)
            #warnon 3261
            output
        | "gru" ->
            let gru = torch.nn.GRU(inputs, units, layers, batchFirst = true)
            load weights "layers." gru
            let struct (output, _) = gru.call (x, first "initial_hidden")
            output
        | _ ->
            let rnn = torch.nn.RNN(inputs, units, layers, batchFirst = true)
            load weights "layers." rnn
            let struct (output, _) = rnn.call (x, first "initial_hidden")
            output

    let output = torch.nn.Linear(units, int64 (SampleRun.task.OutputWidth()))
    load weights "output." output
    output.call hidden

let private input (seed: uint64) : torch.Tensor =
    let shape = [ 2; 5; SampleRun.task.InputWidth() ]
    (Tensors.uniform (RandomStream(seed, "input")) -1.0 1.0 shape).``to`` torch.float32

let private equalsBack (options: ModelOptions) (model: SequenceModel) : unit =
    let own = SampleRun.tensors model
    let back = WeightsLayout.Of(options).FromFile(Dictionary(inFile options model), List.toArray own)

    for struct (name, value), struct (sameName, same) in Seq.zip own back do
        Expect.equal sameName name "the names, in their order"
        Expect.equal same.shape value.shape name
        Expect.equal (Tensors.bits same) (Tensors.bits value) name

let tests =
    testList "WeightsLayout" [
        for kind, options in kinds do
            for first in [ FirstState.Trained; FirstState.Zero ] do
                testPropertyWithConfig
                    config
                    $"libtorch's own {kind} loads every weight and gives the outputs of ours, first state {first}"
                    (fun sizes ->
                        use scope = torch.NewDisposeScope()
                        use noGradient = torch.no_grad ()
                        use model = SampleRun.model sizes.Seed (options sizes first)
                        let weights = inFile (options sizes first) model
                        let x = input sizes.Seed

                        Expect.isLessThan
                            (Tensors.distance (libtorch weights sizes kind x) (model.Forward x))
                            1e-5
                            "the same logits"

                        Expect.equal
                            (weights.ContainsKey "initial_hidden")
                            (first = FirstState.Trained)
                            "a first state of zeros is not written")

                testPropertyWithConfig
                    config
                    $"the weights of a {kind} come back to the bit, first state {first}"
                    (fun sizes ->
                        use scope = torch.NewDisposeScope()
                        use model = SampleRun.model sizes.Seed (options sizes first)
                        equalsBack (options sizes first) model)

            testPropertyWithConfig
                config
                $"weights of a {kind} with both of PyTorch's biases give its outputs here"
                (fun sizes ->
                    use scope = torch.NewDisposeScope()
                    use noGradient = torch.no_grad ()
                    let options = options sizes FirstState.Trained
                    use model = SampleRun.model sizes.Seed options
                    let weights = Dictionary(inFile options model)

                    for layer in 0 .. sizes.Layers - 1 do
                        let bias = weights[$"layers.bias_hh_l{layer}"]

                        weights[$"layers.bias_hh_l{layer}"] <-
                            (Tensors.uniform (RandomStream(9UL, "bias")) -1.0 1.0 [ int bias.shape[0] ])
                                .``to``
                                torch.float32

                    let own = SampleRun.tensors model
                    let imported = WeightsLayout.Of(options).FromFile(weights, List.toArray own)

                    for struct (_, target), struct (_, value) in Seq.zip own imported do
                        target.copy_ value |> ignore

                    let x = input sizes.Seed

                    Expect.isLessThan
                        (Tensors.distance (libtorch weights sizes kind x) (model.Forward x))
                        1e-5
                        "the same logits")

        test "a model of tokens has its embedding beside PyTorch's layers" {
            use scope = torch.NewDisposeScope()
            let task = CopyMemoryTask(Alphabet = 5, Symbols = 2, MinLag = 1, MaxLag = 3)
            let options = LstmOptions(Units = 3, Embedding = 2)
            use model = options.Build(task, RandomStream(1UL, "model"))
            let weights = inFile options model
            Expect.equal weights["embedding.weight"].shape [| 7L; 2L |] "the embedding"
            Expect.equal weights["layers.weight_ih_l0"].shape [| 12L; 2L |] "the layers see it"
            equalsBack options model
        }

        for name, options in
            [
                "layer normalisation", LstmOptions(Units = 3, LayerNorm = true) :> ModelOptions
                "skip connections", GruOptions(Units = 3, Layers = 2, Skip = true)
                "a memory", NtmOptions(Controller = Samples.lstm 3 1, Slots = 4, Width = 2)
            ] do
            test $"a model with {name} keeps its own names" {
                use scope = torch.NewDisposeScope()
                use model = SampleRun.model 1UL options

                Expect.equal
                    (List.ofSeq (inFile options model).Keys)
                    [ for struct (name, _) in SampleRun.tensors model -> name ]
                    "all of them, in order"

                equalsBack options model
            }
    ]

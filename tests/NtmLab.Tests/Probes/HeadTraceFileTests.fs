module NtmLab.Tests.Probes.HeadTraceFileTests

open System.Collections.Generic
open System.IO
open Expecto
open NtmLab
open NtmLab.Interchange
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Tests
open NtmLab.Tests.Scratch
open TorchSharp

let private ntm: ModelOptions =
    NtmOptions(Controller = Samples.lstm 3 1, Slots = 5, Width = 3, ReadHeads = 3, WriteHeads = 2)

let private growing: ModelOptions = KeepAllOptions(Controller = Samples.lstm 3 1, Width = 3)

let private sequence: IReadOnlyDictionary<string, float32[,]> =
    Dictionary(dict [ "input", array2D [ [ 1.0f; 2.0f; 3.0f ]; [ 4.0f; 5.0f; 6.0f ] ] ])

/// What a model does with three steps of two sequences: its trace, and its memory after each.
let private record (options: ModelOptions) : HeadTrace * torch.Tensor | null =
    use _noGradient = torch.no_grad ()
    let model = options.Build(Samples.inputWidth, Samples.outputWidth, RandomStream(1UL, "model"))
    let trace = HeadTrace()
    let input = Samples.input 1UL 2 3
    model.Forward(input, trace) |> ignore
    trace, HeadTraceFile.Memory(model, input)

let private within (test: Folder -> unit) () : unit =
    use _scope = torch.NewDisposeScope()
    use folder = new Folder()
    test folder

let private read (path: string) : Map<string, int64 list * float[]> =
    let struct (tensors, _) = WeightsFile.Read path
    Map [ for pair in tensors -> pair.Key, (List.ofArray pair.Value.shape, Tensors.values pair.Value) ]

let private flat (parts: float32[] seq seq) : float[] =
    parts |> Seq.concat |> Seq.concat |> Seq.map float |> Array.ofSeq

let tests =
    testList "HeadTraceFile" [
        testCase "holds what every head did, and the memory, as they were"
        <| within (fun folder ->
            let trace, memory = record ntm
            let path = folder.File "traces/heads.safetensors"
            Expect.isTrue (HeadTraceFile.Write(path, trace, sequence, memory)) "it is written"
            let found = read path
            Expect.equal found["input"] ([ 3L; 2L ], [| 1.0; 4.0; 2.0; 5.0; 3.0; 6.0 |]) "step by step"
            let part (choose: HeadStep -> float32[] seq) = flat (Seq.map choose trace.Steps)

            Expect.equal
                found["read_weighting"]
                ([ 3L; 3L; 5L ], part (fun step -> step.ReadWeighting))
                "reading"

            Expect.equal
                found["write_weighting"]
                ([ 3L; 2L; 5L ], part (fun step -> step.WriteWeighting))
                "writing"

            Expect.equal found["read"] ([ 3L; 3L; 3L ], part (fun step -> step.Reads)) "read vectors"
            Expect.equal found["erase"] ([ 3L; 2L; 3L ], part (fun step -> step.Erase)) "erase vectors"
            Expect.equal found["add"] ([ 3L; 2L; 3L ], part (fun step -> step.Add)) "add vectors"
            Expect.equal (fst found["memory"]) [ 3L; 5L; 3L ] "the memory")

        testCase "the memory after the last step is what the model holds then"
        <| within (fun _ ->
            use _noGradient = torch.no_grad ()
            let model = ntm.Build(Samples.inputWidth, Samples.outputWidth, RandomStream(1UL, "model"))
            let input = Samples.input 1UL 2 3
            let memory = nonNull (HeadTraceFile.Memory(model, input))
            let struct (_, state) = model.Run(input, model.InitialState 2L)

            for found, wanted in
                Array.zip
                    (Tensors.values memory[2L])
                    (Tensors.values (MemoryModel.Contents(state).Memory[0L])) do
                Expect.floatClose Accuracy.medium found wanted "of the first sequence")

        testCase "slots that are not there yet are 0"
        <| within (fun _ ->
            let _, memory = record growing
            let memory = nonNull memory
            Expect.equal (List.ofArray memory.shape) [ 3L; 3L; 3L ] "three slots after three steps"

            Expect.equal
                (Tensors.values (memory[0L].narrow(0L, 1L, 2L)))
                (Array.zeroCreate 6)
                "after the first step")

        testCase "a model without a memory has none, and a trace without heads no file"
        <| within (fun folder ->
            let options: ModelOptions = LstmOptions(Units = 3)
            let trace, memory = record options
            Expect.isNull memory "none"
            Expect.isFalse (HeadTraceFile.Write(folder.File "a", trace, sequence, memory)) "not written"
            Expect.isFalse (File.Exists(folder.File "a")) "no file")

        testCase "a memory that is too large over all steps is left out"
        <| within (fun _ ->
            let options: ModelOptions = NtmOptions(Controller = Samples.lstm 3 1, Slots = 30_000, Width = 64)
            Expect.isNull (snd (record options)) "23 MB")
    ]

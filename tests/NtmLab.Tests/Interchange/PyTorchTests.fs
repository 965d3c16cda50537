/// Files of weights held to PyTorch itself, where this machine has it.
module NtmLab.Tests.Interchange.PyTorchTests

open System
open System.Diagnostics
open System.IO
open System.Text.RegularExpressions
open Expecto
open NtmLab
open NtmLab.Interchange
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Scratch
open TorchSharp

/// Runs Python; gives its exit code and what it said.
let private python (program: string) (arguments: string list) (folder: string) : int * string =
    let info =
        ProcessStartInfo(
            program,
            arguments,
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false
        )

    match Process.Start info with
    | null -> failtest $"{program} cannot be started"
    | started ->
        use running = started
        let output = running.StandardOutput.ReadToEndAsync()
        let errors = running.StandardError.ReadToEndAsync()
        running.WaitForExit()
        running.ExitCode, output.Result + errors.Result

/// A Python that has PyTorch, if there is one; Debian's is python3-torch.
let private withTorch: Lazy<string option> =
    lazy
        let found =
            [ "python3"; "/usr/bin/python3" ]
            |> List.tryFind (fun program ->
                try
                    fst (python program [ "-c"; "import torch" ] ".") = 0
                with :? ComponentModel.Win32Exception ->
                    false)

        if found.IsNone then
            eprintfn "SKIPPED: files of weights are not held to PyTorch itself: no python3 here has torch."

        found

/// The Python of the page on interchange, block by block.
let private blocks: Lazy<string list> =
    lazy
        let page =
            File.ReadAllText(Path.Combine(repository.Value, "docs", "interchange.md")).ReplaceLineEndings "\n"

        [
            for block in Regex.Matches(page, "```python\n(.*?)```", RegexOptions.Singleline) ->
                block.Groups[1].Value
        ]

let private samples: (string * string * ModelOptions) list = [
    "lstm", "LSTM", LstmOptions(Units = 5)
    "lstm-deep", "LSTM", LstmOptions(Units = 4, Layers = 2)
    "gru", "GRU", GruOptions(Units = 5)
    "gru-deep", "GRU", GruOptions(Units = 3, Layers = 2)
    "rnn", "RNN", RnnOptions(Units = 5)
    "rnn-deep", "RNN", RnnOptions(Units = 4, Layers = 2)
]

let private layersOf (options: ModelOptions) : RecurrentModelOptions = options :?> RecurrentModelOptions

let private steps, private batch = 7, 2

/// What the script that follows the page's own does for each sample: loads ours, answers, and writes weights of its own.
let private exchange =
    """
import sys

torch.manual_seed(1)
inputs, outputs = int(sys.argv[1]), int(sys.argv[2])
x = torch.frombuffer(bytearray(open("x.bin", "rb").read()), dtype=torch.float32).reshape(2, 7, inputs)

def answer(model, name):
    with torch.no_grad():
        open(name, "wb").write(model(x).numpy().tobytes())

for sample in sys.argv[3:]:
    name, kind, units, layers = sample.split(",")
    model = Recurrent(getattr(torch.nn, kind), inputs, int(units), int(layers), outputs)
    model.load_state_dict(torch.load(name + ".pt"))
    try:
        torch.load(name + ".pt", weights_only=True)
    except TypeError:
        pass  # PyTorch before 1.13 does not know it.
    answer(model, name + ".answer")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1, 1)
    torch.save(model.state_dict(), name + ".theirs.pt")
    answer(model, name + ".theirs")
"""

let private input () : torch.Tensor =
    let shape = [ batch; steps; SampleRun.task.InputWidth() ]
    (Tensors.uniform (RandomStream(5UL, "input")) -1.0 1.0 shape).``to`` torch.float32

let private floats (path: string) : torch.Tensor =
    let bytes = File.ReadAllBytes path
    let values = Array.init (bytes.Length / 4) (fun i -> BitConverter.ToSingle(bytes, 4 * i))
    torch.tensor(values).reshape(int64 batch, int64 steps, int64 (SampleRun.task.OutputWidth()))

/// Weights of a file in a model.
let private restored
    (folder: string)
    (options: ModelOptions)
    (file: string)
    (test: SequenceModel -> unit)
    : unit =
    let like = SampleRun.withWeights folder options (SampleRun.model 3UL options)

    let struct (made, _) =
        RunWeights.Import(file, like, folder, "0", SampleRun.machine, TimeProvider.System)

    use model = SampleRun.model 4UL options
    NtmLab.Training.Checkpoint.RestoreModel(NtmLab.Runs.RunFolder.CheckpointOf(made, false), model)
    test model

let private close (name: string) (ours: torch.Tensor) (theirs: torch.Tensor) : unit =
    Expect.isLessThan (Tensors.distance ours theirs) 1e-5 name

/// Runs a script of the page's blocks and more in a folder.
let private runScript
    (program: string)
    (folder: string)
    (parts: string list)
    (arguments: string list)
    : unit =
    let script = Path.Combine(folder, "script.py")
    File.WriteAllText(script, String.concat "\n" parts)
    let code, said = python program ("script.py" :: arguments) folder
    Expect.equal code 0 said

let private required (test: string -> unit) () : unit =
    match withTorch.Value with
    | Some program -> test program
    | None -> skiptest "no python3 with torch"

let tests =
    testSequenced
    <| testList "PyTorch" [
        testCase
            "PyTorch loads the weights of recurrent models and gives their outputs, and ours give those of PyTorch's"
            (required (fun program ->
                use scope = torch.NewDisposeScope()
                use noGradient = torch.no_grad ()
                use folder = new Folder()
                let x = input ()
                File.WriteAllBytes(folder.File "x.bin", Tensors.bits x)

                let models = [
                    for name, _, options in samples do
                        let model = SampleRun.model 1UL options
                        let run = SampleRun.withWeights folder.Path options model
                        RunWeights.Export(run, false, folder.File $"{name}.pt", ExportFormat.Pytorch)
                        model
                ]

                runScript program folder.Path [ blocks.Value.Head; exchange ] [
                    string (SampleRun.task.InputWidth())
                    string (SampleRun.task.OutputWidth())
                    for name, kind, options in samples do
                        let layers = layersOf options
                        $"{name},{kind},{layers.Units},{layers.Layers}"
                ]

                for (name, _, options), model in List.zip samples models do
                    close name (model.Forward x) (floats (folder.File $"{name}.answer"))

                    restored folder.Path options (folder.File $"{name}.theirs.pt") (fun theirs ->
                        close $"{name}, theirs" (theirs.Forward x) (floats (folder.File $"{name}.theirs")))

                    model.Dispose()))

        testCase
            "the page's example loads the weights of a copy run and saves them for import"
            (required (fun program ->
                use scope = torch.NewDisposeScope()
                use folder = new Folder()
                let options = LstmOptions()
                let task = NtmLab.Tasks.CopyTask()
                use model = options.Build(task, RandomStream(1UL, "model"))
                let tensors = List.toArray (SampleRun.tensors model)

                WeightsFile.Write(
                    folder.File "copy.pt",
                    ExportFormat.Pytorch,
                    WeightsLayout.Of(options).ToFile tensors
                )

                for save in [ ""; blocks.Value[2] ] do
                    runScript program folder.Path [ blocks.Value[0]; blocks.Value[1]; save ] []
                    let struct (file, _) = WeightsFile.Read(folder.File "trained.pt")

                    let back = WeightsLayout.Of(options).FromFile(file, tensors)

                    for struct (name, value), struct (_, same) in Seq.zip tensors back do
                        Expect.equal (Tensors.bits same) (Tensors.bits value) $"{name} is what it was"))

        testCase
            "what PyTorch saves of views is refused with what to save"
            (required (fun program ->
                use scope = torch.NewDisposeScope()
                use folder = new Folder()

                runScript program folder.Path [
                    "import torch"
                    "torch.save({'a': torch.arange(12.).reshape(3, 4)[1:]}, 'slice.pt')"
                    "torch.save({'a': torch.arange(12.).reshape(3, 4).t()}, 'turned.pt')"
                    "torch.save(torch.nn.LSTM(2, 3), 'module.pt')"
                    "torch.save(torch.zeros(2), 'tensor.pt')"
                    "torch.save({'a': torch.zeros(2)}, 'old.pt', _use_new_zipfile_serialization=False)"
                    "torch.save({'state_dict': {'a': torch.zeros(2)}, 'epoch': 3}, 'nested.pt')"
                ] []

                let refused (name: string) (words: string list) =
                    Faults.says<DataException> (name :: words) (fun () ->
                        WeightsFile.Read(folder.File name) |> ignore)

                for name in [ "slice.pt"; "turned.pt"; "module.pt"; "tensor.pt" ] do
                    refused name [ "cannot be read as a state_dict"; "v.cpu().clone()" ]

                refused "old.pt" [ "since PyTorch 1.6" ]
                refused "nested.pt" [ "no tensor" ]))

        testCase
            "all Python of the page is Python"
            (required (fun program ->
                use folder = new Folder()

                for block in blocks.Value do
                    File.WriteAllText(folder.File "block.py", block)
                    let code, said = python program [ "-m"; "py_compile"; "block.py" ] folder.Path
                    Expect.equal code 0 said))
    ]

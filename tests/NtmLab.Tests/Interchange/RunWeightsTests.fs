module NtmLab.Tests.Interchange.RunWeightsTests

open System.IO
open Expecto
open NtmLab
open NtmLab.Interchange
open NtmLab.Models
open NtmLab.Runs
open NtmLab.Tests
open NtmLab.Tests.Scratch
open NtmLab.Tests.Training.TrainingSetup
open NtmLab.Training
open TorchSharp

let private samples: (string * ModelOptions) list = [
    "an LSTM", LstmOptions(Units = 4, Layers = 2)
    "a GRU", GruOptions(Units = 3)
    "an NTM", NtmOptions(Controller = Samples.lstm 3 1, Slots = 4, Width = 2)
]

let private import (runs: string) (file: string) (like: string) : struct (string * RunRecord) =
    RunWeights.Import(file, like, runs, "7", SampleRun.machine, StoppedClock())

let private weights (run: string) : (string * byte[]) list = [
    for struct (name, value) in Checkpoint.ReadModel(RunFolder.CheckpointOf(run, false)) ->
        name, Tensors.bits value
]

/// A run of an LSTM, and a file of its weights after a change.
let private refused
    (change: Map<string, torch.Tensor> -> Map<string, torch.Tensor>)
    (words: string list)
    : unit =
    use scope = torch.NewDisposeScope()
    use folder = new Folder()
    let options = LstmOptions(Units = 2)
    let run = SampleRun.withWeights folder.Path options (SampleRun.model 1UL options)
    let file = folder.File "a.safetensors"
    RunWeights.Export(run, false, file, ExportFormat.Safetensors)
    let struct (tensors, _) = WeightsFile.Read file

    let changed =
        Map [ for pair in tensors -> pair.Key, pair.Value ]
        |> change
        |> Map.toList
        |> List.map (fun (name, value) -> struct (name, value))

    WeightsFile.Write(file, ExportFormat.Safetensors, changed)
    Faults.says<DataException> ("a.safetensors: " :: words) (fun () -> import folder.Path file run |> ignore)
    Expect.equal (Directory.GetDirectories folder.Path) [| run |] "no run is made"

let private filled (value: float32) : torch.Tensor -> torch.Tensor =
    fun like -> torch.tensor(Array.create (int (like.numel ())) value).reshape like.shape

let tests =
    testList "RunWeights" [
        for name, options in samples do
            for format in [ ExportFormat.Pytorch; ExportFormat.Safetensors ] do
                test $"the weights of {name} come back as a run of their own, by {format}" {
                    use scope = torch.NewDisposeScope()
                    use folder = new Folder()
                    let run = SampleRun.withWeights folder.Path options (SampleRun.model 1UL options)
                    let like = SampleRun.withWeights folder.Path options (SampleRun.model 2UL options)
                    RunWeights.Export(run, false, folder.File "a", format)
                    let struct (made, record) = import folder.Path (folder.File "a") like
                    Expect.equal (weights made) (weights run) "to the bit"
                    Expect.notEqual (weights made) (weights like) "and not those of the run that it is like"
                    Expect.equal record.Id "copy-seed1-003" "a new run"
                    Expect.equal record.Status RunStatus.Finished "finished"
                    Expect.equal record.CodeVersion "7" "made by this program"
                    Expect.equal record.Sequences 0L "not trained here"
                    let origin = nonNull record.Imported
                    Expect.equal origin.File (folder.File "a") "where from"
                    Expect.equal origin.Format format "its format"
                    Expect.equal origin.Like "copy-seed1-002" "like which run"
                    Expect.equal origin.Sha256.Length 64 "the file's hash"
                    let read = RunFolder.ReadRecord made
                    Expect.equal read.Imported record.Imported "the record is kept"
                    Expect.equal (File.ReadAllText(RunFolder.ScriptOf made)) "// a script\n" "the script"
                }

        test "doubles and halves are accepted as the model's own type" {
            use scope = torch.NewDisposeScope()
            use folder = new Folder()
            let options = LstmOptions(Units = 2)
            let run = SampleRun.withWeights folder.Path options (SampleRun.model 1UL options)
            RunWeights.Export(run, false, folder.File "a", ExportFormat.Safetensors)
            let struct (tensors, _) = WeightsFile.Read(folder.File "a")

            let doubles = [ for pair in tensors -> struct (pair.Key, pair.Value.``to`` torch.float64) ]

            WeightsFile.Write(folder.File "b", ExportFormat.Pytorch, doubles)
            let struct (made, _) = import folder.Path (folder.File "b") run
            Expect.equal (weights made) (weights run) "the same singles"
        }

        test "a missing name is told with its shape" {
            refused (Map.remove "layers.weight_hh_l0") [ "no layers.weight_hh_l0 [8, 2]"; "copy-seed1-001" ]
        }

        test "a name too many is told" {
            refused (Map.add "layers.weight_ih_l1" (torch.zeros 3L)) [
                "layers.weight_ih_l1"
                "does not have"
            ]
        }

        test "another shape is told with the one that is wanted" {
            refused (Map.add "output.weight" (torch.zeros (3L, 5L))) [
                "output.weight is [3, 5]; [3, 2] is wanted"
            ]
        }

        test "whole numbers are refused" {
            refused (Map.add "output.bias" (torch.zeros (3L, torch.int64))) [ "output.bias"; "Int64" ]
        }

        for name, value in [ "a value that is no number", nanf; "an infinite value", infinityf ] do
            test $"{name} is refused" {
                refused (fun tensors -> Map.add "output.bias" (filled value tensors["output.bias"]) tensors) [
                    "output.bias"
                    "not a finite number"
                ]
            }

        test "a run without a checkpoint is told" {
            use folder = new Folder()
            let run = SampleRun.withNumbers folder.Path [ SampleRun.batch 1L ] [] []

            Faults.says<CheckpointException> [ "last.ckpt"; "no such checkpoint" ] (fun () ->
                RunWeights.Export(run, false, folder.File "a", ExportFormat.Pytorch))
        }
    ]

module NtmLab.Tests.Interchange.RunExportTests

open System.IO
open Expecto
open NtmLab
open NtmLab.Interchange
open NtmLab.Models
open NtmLab.Runs
open NtmLab.Tests
open NtmLab.Tests.Scratch
open NtmLab.Training
open TorchSharp

/// A run with weights and numbers.
let private withRun (test: Folder -> string -> unit) : unit =
    use scope = torch.NewDisposeScope()
    use folder = new Folder()
    let run = SampleRun.withNumbers folder.Path [ SampleRun.batch 1L ] [] [ LengthScore(3, 0.5, 0.5) ]

    let save (best: bool) (seed: uint64) =
        use model = SampleRun.model seed (NtmOptions())
        Checkpoint.SaveModel(RunFolder.CheckpointOf(run, best), SampleRun.tensors model, "copy-seed1-001")

    save false 1UL
    save true 2UL
    test folder run

let private write
    (run: string)
    (path: string)
    (format: ExportFormat)
    (best: bool)
    (force: bool)
    : string list =
    use source = new RunFolders(nonNull (Path.GetDirectoryName run))
    let known = KnownRun(RunFolder.ReadRecord run, run)
    List.ofSeq (RunExport.Write(source, known, path, format, best, force))

/// What each format writes, given the name that it is told.
let private written: (ExportFormat * string * string list) list = [
    ExportFormat.Pytorch, "new/a.pt", [ "new/a.pt" ]
    ExportFormat.Safetensors, "a.safetensors", [ "a.safetensors" ]
    ExportFormat.Parquet, "new/a.parquet", [ "new/a.parquet"; "new/a-evaluations.parquet" ]
    ExportFormat.Csv, "a.b.csv", [ "a.b.csv"; "a.b-evaluations.csv" ]
    ExportFormat.Tensorboard, "logs", [ "logs/copy-seed1-001/events.out.tfevents.1772366400.ntmlab" ]
]

let tests =
    testList "RunExport" [
        for format, name, files in written do
            test $"{format} writes its files and tells them, and replaces none unless told to" {
                withRun (fun folder run ->
                    let files = List.map folder.File files
                    Expect.equal (write run (folder.File name) format false false) files "all of them"
                    Expect.all files File.Exists "they are there"
                    let last = List.last files

                    Expect.isEmpty
                        (Directory.GetFiles(folder.Path, "*.new", SearchOption.AllDirectories))
                        "no more"

                    List.iter File.Delete files
                    File.WriteAllText(last, "mine")

                    Faults.says<ConfigurationException> [ last; "is there already"; "--force" ] (fun () ->
                        write run (folder.File name) format false false |> ignore)

                    Expect.equal (File.ReadAllText last) "mine" "it is left as it is"
                    Expect.equal (List.filter File.Exists files) [ last ] "and nothing else is written"
                    write run (folder.File name) format false true |> ignore
                    Expect.notEqual (File.ReadAllText last) "mine" "replaced")
            }

        test "the best weights are those of the best checkpoint" {
            withRun (fun folder run ->
                let bias (best: bool) =
                    write run (folder.File "a.pt") ExportFormat.Pytorch best true |> ignore
                    let struct (tensors, _) = WeightsFile.Read(folder.File "a.pt")
                    Tensors.values tensors["output_bias"]

                Expect.notEqual (bias true) (bias false) "not the last ones")
        }

        for format in [ ExportFormat.Parquet; ExportFormat.Csv; ExportFormat.Tensorboard ] do
            test $"the best of {format}, which holds no weights, is refused" {
                withRun (fun folder run ->
                    Faults.says<ConfigurationException> [ "--best"; "no weights" ] (fun () ->
                        write run (folder.File "a") format true false |> ignore))
            }

        test "a folder that cannot be made is told" {
            withRun (fun folder run ->
                File.WriteAllText(folder.File "file", "")

                Faults.says<RunException> [ folder.File "file" ] (fun () ->
                    write run (folder.File "file/a.csv") ExportFormat.Csv false false |> ignore))
        }

        for name, format in
            [
                "a.pt", ExportFormat.Pytorch
                "a.PTH", ExportFormat.Pytorch
                "a.safetensors", ExportFormat.Safetensors
                "a.parquet", ExportFormat.Parquet
                "a.csv", ExportFormat.Csv
            ] do
            test $"the ending of {name} says its format" {
                Expect.equal (RunExport.FormatOf name) format name
            }

        for name in [ "a"; "a.txt"; "pt" ] do
            test $"'{name}' does not say its format" {
                Faults.says<ConfigurationException> [ name; ".safetensors"; "--to" ] (fun () ->
                    RunExport.FormatOf name |> ignore)
            }
    ]

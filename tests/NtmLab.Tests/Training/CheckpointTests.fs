module NtmLab.Tests.Training.CheckpointTests

open System
open System.IO
open System.IO.Compression
open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tests
open NtmLab.Tests.Scratch
open NtmLab.Tests.Tasks.Curricula.Draws
open NtmLab.Tests.Training.TrainingSetup
open NtmLab.Training

/// A trainer in the middle of its training.
let private trained (seed: uint64) : Trainer =
    let trainer = trainer options seed
    trainBatches 3 trainer |> ignore
    trainer

/// A checkpoint's bytes, and what they hold.
let private saved: Lazy<byte[] * Snapshot> =
    lazy
        use folder = new Folder()
        use trainer = trained 1UL
        Checkpoint.Save(folder.File "a.ckpt", trainer, "run-1")
        File.ReadAllBytes(folder.File "a.ckpt"), snapshot trainer

/// Requires a file to be refused, and the trainer that asked for it to be as before; gives the sentence.
let private refused (path: string) (asking: Trainer) : string =
    let before = snapshot asking
    let message = Faults.sentence<CheckpointException>(fun () -> Checkpoint.Restore(path, asking))
    Expect.equal (snapshot asking) before "the trainer is unchanged"
    Expect.stringContains message path "the sentence names the file"
    message

let private refusedBytes (bytes: byte[]) : string =
    use folder = new Folder()
    File.WriteAllBytes(folder.File "a.ckpt", bytes)
    use asking = trainer options 2UL
    refused (folder.File "a.ckpt") asking

/// Requires a checkpoint whose byte at a place is changed to be refused, or to restore exactly what was saved.
let private isHarmless (asking: Trainer) (place: int) (change: byte) : unit =
    let bytes, content = saved.Value
    let damaged = Array.copy bytes
    damaged[place] <- damaged[place] ^^^ change
    use folder = new Folder()
    File.WriteAllBytes(folder.File "a.ckpt", damaged)
    let before = snapshot asking

    let expected =
        try
            Checkpoint.Restore(folder.File "a.ckpt", asking)
            content
        with :? CheckpointException ->
            before

    Expect.isTrue
        (snapshot asking = expected)
        $"byte {place} of {bytes.Length}, changed by {change}: nothing in between"

let private zip (entries: (string * string) list) : byte[] =
    use stream = new MemoryStream()

    do
        use archive = new ZipArchive(stream, ZipArchiveMode.Create, true)

        for name, text in entries do
            use writer = new StreamWriter(archive.CreateEntry(name).Open())
            writer.Write text

    stream.ToArray()

let private roundTrip =
    testList "round trip" [
        test "what was saved is restored to the bit" {
            use folder = new Folder()
            use trainer = trained 1UL
            Checkpoint.Save(folder.File "a.ckpt", trainer, "run-1")
            use other = trained 2UL
            Checkpoint.Restore(folder.File "a.ckpt", other)
            Expect.equal (snapshot other) (snapshot trainer) "parameters, optimiser and state"
        }

        for name, curriculum in learning do
            test $"what a curriculum of kind {name} has learned is restored" {
                use folder = new Folder()
                use trainer = trainer (withCurriculum curriculum) 1UL
                trainBatches 4 trainer |> ignore
                Checkpoint.Save(folder.File "a.ckpt", trainer, "run-1")
                let learned = (snapshot trainer).Curriculum
                use other = TrainingSetup.trainer (withCurriculum curriculum) 2UL
                Checkpoint.Restore(folder.File "a.ckpt", other)
                Expect.isSome learned "it has a state"
                Expect.equal (snapshot other).Curriculum learned "all of it"
            }

        test "a model alone gets the saved parameters" {
            use folder = new Folder()
            use trainer = trained 1UL
            Checkpoint.Save(folder.File "a.ckpt", trainer, "run-1")
            use model = buildModel modelOptions 9UL
            Checkpoint.RestoreModel(folder.File "a.ckpt", model)

            let parameters (model: SequenceModel) = [
                for parameter in model.parameters () -> Tensors.bits parameter
            ]

            Expect.equal (parameters model) (parameters trainer.Model) "all of them"
        }

        test "saving twice gives the same bytes" {
            use folder = new Folder()
            use trainer = trained 1UL

            let entries (path: string) =
                Checkpoint.Save(path, trainer, "run-1")
                use archive = ZipFile.OpenRead path
                [ for entry in archive.Entries -> entry.FullName, entry.Length, entry.Crc32 ]

            Expect.equal
                (entries (folder.File "a.ckpt"))
                (entries (folder.File "b.ckpt"))
                "but for the archive's clock"
        }

        test "any zip program finds the tensors" {
            use stream = new MemoryStream(fst saved.Value)
            use archive = new ZipArchive(stream)
            let names = [ for entry in archive.Entries -> entry.FullName ]
            Expect.contains names "manifest.json" "the manifest"
            Expect.contains names "model/interface_weight" "a parameter"
            Expect.contains names "optimiser/interface_weight.mean_square" "a running mean"
        }

        test "a model of more slots takes the parameters of one of fewer" {
            use folder = new Folder()
            File.WriteAllBytes(folder.File "a.ckpt", fst saved.Value)
            use model = buildModel (NtmOptions(Controller = Samples.lstm 6 1, Slots = 50, Width = 4)) 9UL
            Checkpoint.RestoreModel(folder.File "a.ckpt", model)
        }
    ]

let private damage =
    testList "damage" [
        testProperty "a truncated checkpoint is refused, wherever it ends" (fun (place: uint32) ->
            let bytes, _ = saved.Value

            refusedBytes (Array.truncate (int (place % uint32 bytes.Length)) bytes)
            |> ignore)

        testPropertyWithConfig
            { FsCheckConfig.defaultConfig with maxTest = 150 }
            "a checkpoint with one changed byte is refused, or the change means nothing"
            (fun (place: uint32) (change: byte) ->
                let place = int (place % uint32 (fst saved.Value).Length)
                use asking = trainer options 2UL
                isHarmless asking place (max 1uy change))

        test
            "a checkpoint with one changed bit in its trainer's state is refused, or the change means nothing" {
            // The manifest is compressed and begins with the state: a changed bit may be another digit there.
            let start = (Text.Encoding.Latin1.GetString(fst saved.Value)).IndexOf "manifest.json"
            use asking = trainer options 2UL

            for place in start .. start + 200 do
                for bit in 0..7 do
                    isHarmless asking place (1uy <<< bit)
        }

        test "a foreign zip archive is refused" {
            Expect.stringContains (refusedBytes (zip [ "a.txt", "hello" ])) "not a checkpoint" "it says so"
        }

        for name, manifest in
            [
                "an empty", "{}"
                "another program's", """{"format":"other","version":1}"""
                "an unfinished", """{"format":"ntmlab checkpoint","version":1}"""
                "a hollow",
                """{"format":"ntmlab checkpoint","version":1,"run":"r","state":null,"tensors":null}"""
                "a listing", "[1,2,3]"
                "a null", "null"
            ] do
            test $"a zip archive with {name} manifest is refused" {
                refusedBytes (zip [ "manifest.json", manifest ]) |> ignore
            }

        test "a manifest that promises what the archive does not hold is refused" {
            let tensor = """{"entry":"model/x","type":"Float32","shape":[1],"sha256":"00"}"""

            let manifest =
                $$$"""{"format":"ntmlab checkpoint","version":1,"run":"r","state":{},"tensors":[{{{tensor}}}]}"""

            refusedBytes (zip [ "manifest.json", manifest ]) |> ignore
        }

        test "a later format is refused with its version" {
            let manifest = """{"format":"ntmlab checkpoint","version":99,"run":"r","state":{},"tensors":[]}"""

            Expect.stringContains
                (refusedBytes (zip [ "manifest.json", manifest ]))
                "99"
                "so that the user can update"
        }

        test "a text file is refused" {
            refusedBytes (Text.Encoding.UTF8.GetBytes "no checkpoint\n") |> ignore
        }

        test "an empty file is refused" { refusedBytes [||] |> ignore }

        test "a missing file is refused" {
            use folder = new Folder()
            use asking = trainer options 2UL
            Expect.stringContains (refused (folder.File "a.ckpt") asking) "no such checkpoint" "it says so"
        }

        test "a missing folder is refused" {
            use folder = new Folder()
            use asking = trainer options 2UL
            refused (Path.Combine(folder.Path, "missing", "a.ckpt")) asking |> ignore
        }

        test "a folder is refused" {
            use folder = new Folder()
            use asking = trainer options 2UL
            refused folder.Path asking |> ignore
        }
    ]

let private otherConfiguration =
    testList "another configuration" [
        for name, other in
            [
                "units", NtmOptions(Controller = Samples.lstm 7 1, Slots = 5, Width = 4)
                "slot width", NtmOptions(Controller = Samples.lstm 6 1, Slots = 5, Width = 3)
                "read heads", NtmOptions(Controller = Samples.lstm 6 1, Slots = 5, Width = 4, ReadHeads = 2)
                "write heads", NtmOptions(Controller = Samples.lstm 6 1, Slots = 5, Width = 4, WriteHeads = 2)
                "shift width", NtmOptions(Controller = Samples.lstm 6 1, Slots = 5, Width = 4, ShiftWidth = 5)
                "controller", NtmOptions(Controller = Samples.feedForward 6, Slots = 5, Width = 4)
                "more layers", NtmOptions(Controller = Samples.lstm 6 2, Slots = 5, Width = 4)
            ] do
            test $"a checkpoint of other {name} is refused" {
                use folder = new Folder()
                File.WriteAllBytes(folder.File "a.ckpt", fst saved.Value)

                use asking = new Trainer(buildModel other 2UL, task, options, evaluation, 2UL, StoppedClock())

                Expect.stringContains
                    (refused (folder.File "a.ckpt") asking)
                    "another configuration"
                    "it says so"
            }

            test $"a model's own checkpoint is refused by the sample model, for its other {name}" {
                use folder = new Folder()

                use saving = new Trainer(buildModel other 2UL, task, options, evaluation, 2UL, StoppedClock())

                Checkpoint.Save(folder.File "a.ckpt", saving, "run")
                use asking = trained 1UL

                Expect.stringContains
                    (refused (folder.File "a.ckpt") asking)
                    "another configuration"
                    "it says so"
            }
    ]

let private otherOptimiser =
    let adam =
        TrainingOptions(Sequences = options.Sequences, Batch = options.Batch, Optimiser = AdamOptions())

    testList "another optimiser" [
        for name, saving, asking in [ "RMSProp", options, adam; "Adam", adam, options ] do
            test $"a checkpoint of a training with {name} is refused by one with another optimiser" {
                use folder = new Folder()
                use saver = trainer saving 1UL
                trainBatches 1 saver |> ignore
                Checkpoint.Save(folder.File "a.ckpt", saver, "run")
                use asker = trainer asking 1UL

                Expect.stringContains
                    (refused (folder.File "a.ckpt") asker)
                    "another configuration"
                    "it says so"
            }

        test "a model takes its parameters from any training" {
            use folder = new Folder()
            use saver = trainer adam 1UL
            trainBatches 1 saver |> ignore
            Checkpoint.Save(folder.File "a.ckpt", saver, "run")
            use model = buildModel modelOptions 9UL
            Checkpoint.RestoreModel(folder.File "a.ckpt", model)
            let weight (model: SequenceModel) = Tensors.bits (Tensors.parameter model "output_bias")
            Expect.equal (weight model) (weight saver.Model) "without the optimiser"
        }
    ]

let private saving =
    testList "saving" [
        test "a full disk leaves the old checkpoint, and it can be restored" {
            if not (File.Exists "/dev/full") then
                skiptest "this system has no /dev/full"

            use folder = new Folder()
            let path = folder.File "a.ckpt"
            use trainer = trained 1UL
            Checkpoint.Save(path, trainer, "run")
            let old = snapshot trainer
            train trainer |> ignore
            File.CreateSymbolicLink(path + ".new", "/dev/full") |> ignore

            Faults.says<RunException> [ path; "the previous file is intact" ] (fun () ->
                Checkpoint.Save(path, trainer, "run"))

            use other = trained 2UL
            Checkpoint.Restore(path, other)
            Expect.equal (snapshot other) old "the old checkpoint"
        }

        test "a missing folder is reported as a fault of the run" {
            use folder = new Folder()
            use trainer = trained 1UL
            let path = Path.Combine(folder.Path, "missing", "a.ckpt")
            Faults.says<RunException> [ path ] (fun () -> Checkpoint.Save(path, trainer, "run"))
        }

        test "saving changes nothing" {
            use folder = new Folder()
            use trainer = trained 1UL
            let before = snapshot trainer
            Checkpoint.Save(folder.File "a.ckpt", trainer, "run")
            Expect.equal (snapshot trainer) before "the trainer goes on as if nothing had been"
        }
    ]

let tests = testList "Checkpoint" [ roundTrip; damage; otherConfiguration; otherOptimiser; saving ]

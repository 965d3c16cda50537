module NtmLab.Tests.Models.MemoryFileTests

open System
open System.IO
open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Tests.Samples
open NtmLab.Tests.Scratch
open TorchSharp

/// Every policy, behind a controller without a state of its own.
let private policies: (string * ModelOptions) list =
    let controller = feedForward 5

    [
        "ntm", NtmOptions(Controller = controller, Slots = 7, Width = 3)
        "ntm, more heads",
        NtmOptions(Controller = controller, Slots = 5, Width = 3, ReadHeads = 3, WriteHeads = 2)
        "dnc", DncOptions(Controller = controller, Slots = 6, Width = 3, ReadHeads = 2)
        "dnc without links", DncOptions(Controller = controller, Slots = 6, Width = 3, Links = false)
        "mann-lrua", LruaOptions(Controller = controller, Slots = 6, Width = 3, ReadHeads = 2)
        "fifo", FifoOptions(Controller = controller, Slots = 4, Width = 3)
        "keep-all", KeepAllOptions(Controller = controller, Width = 3)
        "reservoir", ReservoirOptions(Controller = controller, Slots = 3, Width = 3)
        "keep-novel", KeepNovelOptions(Controller = controller, Slots = 4, Width = 3, Threshold = 0.5)
        "surprise", SurpriseOptions(Controller = controller, Slots = 4, Width = 3)
        "learned-gate", LearnedGateOptions(Controller = controller, Slots = 4, Width = 3)
        "budgeted", BudgetedOptions(Controller = controller, Slots = 4, Width = 3, Budget = 3)
    ]

let private build (options: ModelOptions) : MemoryModel =
    let model = options.Build(inputWidth, outputWidth, RandomStream(1UL, "model"))
    stir 2UL model
    model :?> MemoryModel

let private fifo (slots: int) (width: int) : MemoryModel =
    build (FifoOptions(Controller = feedForward 5, Slots = slots, Width = width))

let private ntm (slots: int) : MemoryModel =
    build (NtmOptions(Controller = feedForward 5, Slots = slots, Width = 3))

/// The state of a model after a drawn sequence.
let private after (model: SequenceModel) (x: torch.Tensor) : ModelState =
    let struct (_, state) = model.Run(x, model.InitialState x.shape[0])
    state

/// Shows a sequence of some steps to a model and saves its memory.
let private saved (path: string) (steps: int) (model: SequenceModel) : unit =
    Memory.save path steps model (after model (input 3UL 1 steps))

let private within (law: Folder -> unit) () : unit =
    use folder = new Folder()
    use scope = torch.NewDisposeScope()
    use noGradient = torch.no_grad ()
    law folder

/// The content of every slot of a state's first sequence.
let private slots (state: ModelState) : float[][] = (Tensors.values3 (MemoryModel.Contents state).Memory)[0]

let private goesOn (name: string) (options: ModelOptions) (fuse: MemoryModel -> unit) : Test =
    testCase name
    <| within (fun folder ->
        let facts, questions = input 1UL 1 6, input 2UL 1 4
        use model = build options
        fuse model
        let struct (whole, _) = model.Run(torch.cat ([| facts; questions |], 1L), model.InitialState 1L)
        Memory.save (folder.File "a.memory") 6 model (after model facts)
        use later = build options
        fuse later
        Memory.load (folder.File "a.memory") later

        Expect.equal
            (Tensors.bits (later.Forward questions))
            (Tensors.bits (whole.narrow (1L, 6L, 4L)))
            "the bits of the sequence that was not cut"

        let struct (_, once) = later.Run(questions, later.InitialState 1L)
        let together = later.Forward(questions.expand (3L, -1L, -1L))

        for sequence in 0L .. 2L do
            Expect.isLessThan
                (Tensors.distance (together.narrow (0L, sequence, 1L)) (later.Forward questions))
                1e-5
                "every sequence of a batch starts so"

        Memory.save (folder.File "b.memory") 4 later once
        Memory.forget later

        Expect.equal
            (Tensors.bits (later.Forward questions))
            (Tensors.bits (model.Forward questions))
            "nothing is left of it")

let private continuation =
    testList "going on" [
        for name, options in policies do
            goesOn $"{name}: questions find the facts of a saved memory" options ignore

        for name, options in models do
            if options.Controller :? FeedForwardControllerOptions then
                goesOn $"{name}: in the fused engine, too" options (fun model -> model.Fuse 1)

        testCase "an LSTM controller starts as always, over the memory that was saved"
        <| within (fun folder ->
            use model = build (NtmOptions(Controller = lstm 5 1, Slots = 7, Width = 3))
            saved (folder.File "a.memory") 6 model
            let facts = MemoryModel.Contents(after model (input 3UL 1 6))
            let blank = model.InitialState 1L
            Memory.load (folder.File "a.memory") model
            let start = model.InitialState 1L

            let controller (state: ModelState) =
                Seq.truncate 2 state.Tensors |> Seq.map Tensors.bits |> Seq.toList

            Expect.equal (controller start) (controller blank) "hidden state and cell"

            Expect.equal
                (Tensors.bits (MemoryModel.Contents start).Memory)
                (Tensors.bits facts.Memory)
                "the memory"

            let reads (state: ModelState) = Tensors.bits (nonNull (MemoryModel.Contents state).Reads)
            Memory.loadAtStart (folder.File "a.memory") model
            Expect.equal (reads (model.InitialState 1L)) (reads blank) "its own first reads"
            let reference = model.Forward(input 4UL 2 5)
            model.Fuse 1

            Expect.isLessThan
                (Tensors.distance (model.Forward(input 4UL 2 5)) reference)
                1e-5
                "both engines start so")

        testCase "a model of tokens goes on as well"
        <| within (fun folder ->
            let task = CopyMemoryTask(Alphabet = 5, Symbols = 2, MinLag = 1, MaxLag = 3)

            let make () =
                FifoOptions(Controller = feedForward 4, Slots = 8, Width = 3)
                    .Build(task, RandomStream(1UL, "model"))

            let tokens (numbers: float32 list) =
                torch.tensor (List.toArray numbers, 1L, int64 numbers.Length, 1L)

            use model = make ()
            let facts, question = tokens [ 1f; 3f; 2f ], tokens [ 6f; 0f ]

            let struct (whole, _) = model.Run(torch.cat ([| facts; question |], 1L), model.InitialState 1L)

            Memory.save (folder.File "a.memory") 3 model (after model facts)
            use later = make ()
            Memory.load (folder.File "a.memory") later

            Expect.equal
                (Tensors.bits (later.Forward question))
                (Tensors.bits (whole.narrow (1L, 3L, 2L)))
                "the same bits")

        testCase "gradients reach the parameters through a memory that was saved"
        <| within (fun folder ->
            use gradient = torch.enable_grad ()
            use model = ntm 5
            saved (folder.File "a.memory") 4 model

            for fuse in [ ignore; (fun (model: MemoryModel) -> model.Fuse 1) ] do
                fuse model
                model.zero_grad ()
                Memory.loadAtStart (folder.File "a.memory") model
                model.Forward(input 4UL 2 3).sum().backward()

                for name in [ "initial_reads"; "interface_weight" ] do
                    let reached = Tensors.gradient (Tensors.parameter model name)
                    Expect.isGreaterThan (reached.abs().sum().item<float32>()) 0f name)

        testCase "loading again and again leaves no tensors"
        <| within (fun folder ->
            use model = ntm 5
            saved (folder.File "a.memory") 4 model
            Memory.load (folder.File "a.memory") model

            Expect.equal
                (LiveTensors.left (fun () -> Memory.load (folder.File "a.memory") model))
                0L
                "the older ones are disposed of")
    ]

let private contents =
    testList "contents" [
        testCase "a file says where it is from, and names the parts of the policy's state"
        <| within (fun folder ->
            use model = build (DncOptions(Controller = feedForward 5, Slots = 6, Width = 3, ReadHeads = 2))
            let contents = MemoryModel.Contents(after model (input 3UL 2 4))
            MemoryFile.Save(folder.File "deep/er/a.memory", model, contents, "run-7", 4)
            let saved = MemoryFile.Read(folder.File "deep/er/a.memory")

            Expect.equal
                (saved.Run, saved.Policy, saved.Slots, saved.Width, saved.Length)
                ("run-7", "dnc", 6, 3, 4)
                "the description"

            Expect.equal
                [ for struct (name, value) in saved.PolicyState -> name, List.ofArray value.shape ]
                [
                    "usage", [ 1L; 6L ]
                    "readWeighting", [ 2L; 6L ]
                    "writeWeighting", [ 1L; 6L ]
                    "precedence", [ 1L; 6L ]
                    "links", [ 6L; 6L ]
                ]
                "names and shapes, without a batch"

            Expect.equal (Tensors.bits saved.Memory) (Tensors.bits contents.Memory[0L]) "the first sequence")

        testCase "the size of a memory is that of the tensors in its file"
        <| within (fun folder ->
            for _, options in policies do
                use model = build options
                let contents = MemoryModel.Contents(after model (input 3UL 2 4))
                MemoryFile.Save(folder.File "a.memory", model, contents, "", 4)
                use archive = Compression.ZipFile.OpenRead(folder.File "a.memory")

                let held =
                    archive.Entries
                    |> Seq.filter (fun entry -> not (entry.FullName.StartsWith "manifest"))
                    |> Seq.sumBy _.Length

                Expect.equal (MemoryFile.Size contents) held (model.GetName()))

        testCase "change is the distance from the slots that a sequence began with"
        <| within (fun folder ->
            use model =
                build (NtmOptions(Controller = feedForward 5, Slots = 5, Width = 3, InitialSpread = 0.5))

            let distances (state: ModelState) =
                Array.map2
                    (fun a b -> sqrt (Array.fold2 (fun sum x y -> sum + (x - y) ** 2.0) 0.0 a b))
                    (slots (model.InitialState 1L))
                    (slots state)

            let state = after model (input 3UL 1 4)
            Memory.save (folder.File "a.memory") 4 model state
            let change = Tensors.values (MemoryFile.Read(folder.File "a.memory")).Change
            Array.iter2 (fun a b -> Expect.isLessThan (abs (a - b)) 1e-6 "one slot") change (distances state))

        testCase "a memory that has no slots yet is saved and loaded"
        <| within (fun folder ->
            use model = build (KeepAllOptions(Controller = feedForward 5, Width = 3))
            let before = Tensors.bits (model.Forward(input 3UL 1 4))
            Memory.save (folder.File "a.memory") 0 model (model.InitialState 1L)
            Memory.load (folder.File "a.memory") model
            Expect.equal (Tensors.bits (model.Forward(input 3UL 1 4))) before "as if nothing had been")
    ]

let private moreSlots =
    testList "more slots" [
        testPropertyWithConfig
            { FsCheckConfig.defaultConfig with maxTest = 20 }
            "a ring that has not come around goes on as if it had always had more slots"
            (fun (first: byte) (more: byte) ->
                within
                    (fun folder ->
                        let few = 1 + int first % 6
                        let many = few + int more % 5
                        use short = fifo few 3
                        use long = fifo many 3
                        let x, rest = input 5UL 1 few, input 6UL 1 7
                        Memory.save (folder.File "a.memory") few short (after short x)
                        let struct (expected, _) = long.Run(rest, after long x)
                        use loaded = fifo many 3
                        Memory.load (folder.File "a.memory") loaded
                        let difference = Tensors.distance (loaded.Forward rest) expected
                        Expect.isLessThan difference 1e-6 $"{few} slots, then {many}")
                    ())

        testCase "new slots come last and are blank, and no policy's state knows of them"
        <| within (fun folder ->
            for name, options in policies |> List.truncate 5 do
                use model = build options
                let had = model.Slots
                let facts = after model (input 3UL 1 2)
                Memory.save (folder.File "a.memory") 2 model facts
                model.Slots <- had + 4
                let blank = slots (model.InitialState 1L)
                Memory.load (folder.File "a.memory") model
                let start = slots (model.InitialState 1L)
                Expect.equal start[.. had - 1] (slots facts) $"{name}: the slots that there were"
                Expect.equal start[had..] blank[had..] $"{name}: the new ones"
                let state = (MemoryModel.Contents(model.InitialState 1L)).Policy
                let before = (MemoryModel.Contents facts).Policy

                for part, old in Seq.zip state.Tensors before.Tensors do
                    let held (tensor: torch.Tensor) =
                        Tensors.values tensor |> Array.filter (fun value -> value <> 0.0)

                    Expect.equal (held part) (held old) $"{name}: the state"

                model.Forward(input 4UL 2 3) |> ignore)

        testCase "a ring that has come around takes no more slots"
        <| within (fun folder ->
            for make in
                [
                    fun slots -> fifo slots 3
                    fun slots ->
                        build (ReservoirOptions(Controller = feedForward 5, Slots = slots, Width = 3))
                ] do
                use model = make 3
                saved (folder.File "a.memory") 5 model
                use wider = make 4

                Faults.says<CheckpointException>
                    [ "a.memory"; "around its 3 slots"; "model.slots=3" ]
                    (fun () -> Memory.load (folder.File "a.memory") wider))

        testCase "a memory that grows takes its slots along, up to the model's most"
        <| within (fun folder ->
            let make slots = build (KeepAllOptions(Controller = feedForward 5, Slots = slots, Width = 3))

            use model = make 100
            saved (folder.File "a.memory") 5 model
            use small = make 7
            Memory.load (folder.File "a.memory") small
            small.Forward(input 4UL 1 2) |> ignore

            Faults.says<ConfigurationException> [ "model.slots: 7"; "slot 8" ] (fun () ->
                small.Forward(input 4UL 1 3) |> ignore)

            use tiny = make 4

            Faults.says<CheckpointException> [ "5 slots"; "4"; "model.slots=5" ] (fun () ->
                Memory.load (folder.File "a.memory") tiny))
    ]

let private misfits =
    testList "what does not fit" [
        testCase "a memory of another policy, width or size is refused, and the model starts as before"
        <| within (fun folder ->
            use model = fifo 4 3
            saved (folder.File "a.memory") 3 model

            let refuses (words: string list) (asking: MemoryModel) =
                let before = Tensors.bits (asking.Forward(input 4UL 1 3))

                Faults.says<CheckpointException> ("a.memory" :: words) (fun () ->
                    Memory.load (folder.File "a.memory") asking)

                Expect.equal (Tensors.bits (asking.Forward(input 4UL 1 3))) before "unchanged"
                asking.Dispose()

            refuses [ "policy 'fifo'"; "'ntm'" ] (ntm 5)
            refuses [ "width 3"; "width 2" ] (fifo 4 2)
            refuses [ "4 slots"; "model's 3"; "model.slots=4" ] (fifo 3 3)

            refuses
                [ "another configuration"; "reads"; "[2, 3] is wanted" ]
                (build (FifoOptions(Controller = feedForward 5, Slots = 4, Width = 3, ReadHeads = 2)))

            use linked = build (DncOptions(Controller = feedForward 5, Slots = 6, Width = 3))
            saved (folder.File "a.memory") 3 linked

            refuses
                [ "another configuration"; "policy/precedence" ]
                (build (DncOptions(Controller = feedForward 5, Slots = 6, Width = 3, Links = false))))

        testCase "a model without a memory is refused"
        <| within (fun folder ->
            use model = fifo 4 3
            saved (folder.File "a.memory") 3 model

            use without = LstmOptions(Units = 4).Build(inputWidth, outputWidth, RandomStream(1UL, "model"))

            for action in
                [
                    Memory.load (folder.File "a.memory")
                    fun other -> Memory.save (folder.File "b.memory") 3 other (without.InitialState 1L)
                    Memory.forget
                ] do
                Faults.says<ConfigurationException> [ "model 'lstm'"; "no memory"; "fifo" ] (fun () ->
                    action without))

        testCase "a start of another policy or of other sizes is refused"
        <| within (fun _ ->
            use model = fifo 4 3

            let start (of': MemoryModel) = MemoryModel.Contents(after of' (input 3UL 1 3))

            let refuses says words (contents: MemoryContents) =
                says words (fun () -> model.StartFrom <- contents)

            use other = ntm 4
            refuses Faults.says<ConfigurationException> [ "model 'fifo'"; "another policy" ] (start other)
            use wide = fifo 4 2
            refuses Faults.says<ShapeException> [ "[1, 4, 2]"; "[1, 4, 3]" ] (start wide)
            use large = fifo 5 3
            refuses Faults.says<ShapeException> [ "[1, 5, 3]"; "[1, 4, 3]" ] (start large)

            refuses
                Faults.says<ShapeException>
                [ "[2, 4, 3]" ]
                (MemoryModel.Contents(after model (input 3UL 2 3)))

            let own = start model

            refuses
                Faults.says<ShapeException>
                [ "reads"; "[1, 1, 3]" ]
                (MemoryContents(own.Memory, own.Policy, own.Memory))

            let state = own.Policy :?> NamedState
            let torn = state.Set("saves", own.Memory)

            refuses
                Faults.says<ShapeException>
                [ "the policy's saves"; "[1, 1]" ]
                (MemoryContents(own.Memory, torn, own.Reads))

            Expect.isTrue (isNull model.StartFrom) "it starts blank"
            use growing = build (KeepAllOptions(Controller = feedForward 5, Slots = 2, Width = 3))
            let many = build (KeepAllOptions(Controller = feedForward 5, Width = 3))

            Faults.says<ShapeException> [ "3 slots"; "at most 2" ] (fun () ->
                growing.StartFrom <- start many))

        testCase "the number of slots is held while sequences start from a memory"
        <| within (fun folder ->
            use model = fifo 4 3
            saved (folder.File "a.memory") 3 model
            Memory.load (folder.File "a.memory") model

            Faults.says<ConfigurationException> [ "model.slots: 6"; "4 is" ] (fun () -> model.Slots <- 6)
            Expect.equal model.Slots 4 "as it was"
            Memory.forget model
            model.Slots <- 6
            Memory.load (folder.File "a.memory") model)
    ]

/// A memory file's bytes.
let private bytes: Lazy<byte[]> =
    lazy
        use folder = new Folder()
        saved (folder.File "a.memory") 3 (fifo 4 3)
        File.ReadAllBytes(folder.File "a.memory")

let private damage =
    testList "damage" [
        testCase "a missing file is named"
        <| within (fun folder ->
            use model = fifo 4 3

            Faults.says<CheckpointException> [ "gone.memory"; "no such memory file" ] (fun () ->
                Memory.load (folder.File "gone.memory") model))

        testProperty "a truncated file is refused, wherever it ends" (fun (place: uint32) ->
            within
                (fun folder ->
                    let whole = bytes.Value
                    let torn = Array.truncate (int (place % uint32 whole.Length)) whole
                    File.WriteAllBytes(folder.File "a.memory", torn)

                    Faults.says<CheckpointException> [ "a.memory"; "memory file of NtmLab" ] (fun () ->
                        MemoryFile.Read(folder.File "a.memory") |> ignore))
                ())

        testProperty
            "a file with one changed byte is refused, or the change means nothing"
            (fun (place: uint32) (change: byte) ->
                within
                    (fun folder ->
                        let damaged = Array.copy bytes.Value
                        let place = int (place % uint32 damaged.Length)
                        damaged[place] <- damaged[place] ^^^ max 1uy change
                        File.WriteAllBytes(folder.File "a.memory", damaged)
                        use model = fifo 4 3
                        let blank = Tensors.bits (model.Forward(input 4UL 1 3))
                        File.WriteAllBytes(folder.File "whole.memory", bytes.Value)

                        let expected =
                            try
                                Memory.load (folder.File "a.memory") model
                                use whole = fifo 4 3
                                Memory.load (folder.File "whole.memory") whole
                                Tensors.bits (whole.Forward(input 4UL 1 3))
                            with :? CheckpointException ->
                                blank

                        Expect.isTrue
                            (Tensors.bits (model.Forward(input 4UL 1 3)) = expected)
                            $"byte {place}")
                    ())

        testCase "a checkpoint is no memory file, nor is a text"
        <| within (fun folder ->
            use trainer = Training.TrainingSetup.trainer Training.TrainingSetup.options 1UL
            NtmLab.Training.Checkpoint.Save(folder.File "a.ckpt", trainer, "run")
            File.WriteAllText(folder.File "a.txt", "no memory\n")
            use model = fifo 4 3

            for name in [ "a.ckpt"; "a.txt" ] do
                Faults.says<CheckpointException> [ name; "not a memory file of NtmLab" ] (fun () ->
                    Memory.load (folder.File name) model))

        testCase "a folder that cannot be made is reported"
        <| within (fun folder ->
            File.WriteAllText(folder.File "file", "")

            Faults.says<RunException> [ "a.memory"; "cannot be made" ] (fun () ->
                saved (folder.File "file/a.memory") 3 (fifo 4 3)))
    ]

let tests = testList "MemoryFile" [ continuation; contents; moreSlots; misfits; damage ]

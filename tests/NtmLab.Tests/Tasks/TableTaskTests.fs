module NtmLab.Tests.Tasks.TableTaskTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Data
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Tests.Data
open NtmLab.Tests.Data.DataFiles
open NtmLab.Tests.Scratch
open TorchSharp

/// A table of sequences of different lengths, and what is asked of a task on it.
type TableCase = {
    /// Steps of each sequence.
    Lengths: int list
    /// The task's length.
    Length: int
    Seed: uint64
}

type Arbitraries =
    static member TableCase() : Arbitrary<TableCase> =
        gen {
            let! count = Gen.choose (2, 9)
            let! lengths = Gen.listOfLength count (Gen.choose (1, 6))
            let! length = Gen.choose (1, 8)
            let! seed = Gen.choose (0, Int32.MaxValue)

            return { Lengths = lengths; Length = length; Seed = uint64 seed }
        }
        |> Arb.fromGen

/// The rows of a sequence: which it is, a step's number, and targets of every kind that follow from both.
let private rows (sequence: int) (steps: int) : float list list = [
    for step in 0 .. steps - 1 ->
        [
            float sequence
            float step
            float (sequence * 10 + step) / 4.0
            float ((sequence + step * step) % 3)
            float ((sequence + step) % 2)
            float (step % 2)
        ]
]

let private header = [ "x_0"; "x_1"; "real"; "class"; "bit_0"; "bit_1" ]

let private write (folder: Folder) (case: TableCase) : string =
    let path = folder.File "a.csv"

    writeLines path [
        String.concat "," ("id" :: header)

        for sequence, steps in List.indexed case.Lengths do
            for row in rows sequence steps do
                String.concat "," ($"s{sequence}" :: [ for value in row -> text (float32 value) ])
    ]

    path

let private request (first: int64) (count: int) (length: int) (heldOut: bool) : BatchRequest =
    BatchRequest(RandomStream(1UL, "train", uint64 first), 1UL, first, count, length, heldOut)

/// The place of each kind's targets in a row.
let private targetsOf (kind: TableTargets) (row: float list) : float list =
    match kind with
    | TableTargets.Classes -> [ row[3] ]
    | TableTargets.Bits -> [ row[4]; row[5] ]
    | _ -> [ row[2] ]

let private nameOf (kind: TableTargets) : string =
    match kind with
    | TableTargets.Classes -> "class"
    | TableTargets.Bits -> "bit"
    | _ -> "real"

let private task (path: string) (case: TableCase) (kind: TableTargets) (wanted: WantedSteps) : TableTask =
    TableTask(
        Path = path,
        Inputs = "x",
        Targets = nameOf kind,
        Sequence = "id",
        TargetKind = kind,
        Wanted = wanted,
        Normalise = false,
        SplitSeed = case.Seed
    )

/// What a batch should show of a sequence, worked out from its rows: for each step its input, its target and whether that counts.
let private solve
    (case: TableCase)
    (kind: TableTargets)
    (wanted: WantedSteps)
    (sequence: int)
    : (float list * float list option) list =
    let all = rows sequence case.Lengths[sequence]

    let kept =
        if wanted = WantedSteps.Last then
            all |> List.rev |> List.truncate case.Length |> List.rev
        else
            List.truncate case.Length all

    [
        for step in 0 .. case.Length - 1 do
            match List.tryItem step kept with
            | Some row when wanted = WantedSteps.Every || step = kept.Length - 1 ->
                List.take 2 row, Some(targetsOf kind row)
            | Some row -> List.take 2 row, None
            | None -> [ 0.0; 0.0 ], None
    ]

/// What a batch shows.
let private shown (kind: TableTargets) (batch: SequenceBatch) : (float list * float list option) list list =
    let target =
        if kind = TableTargets.Classes then
            batch.Target.unsqueeze -1L
        else
            batch.Target

    let inputs, targets, masks =
        Tensors.values3 batch.Input,
        Tensors.values3 target,
        Tensors.values3 (batch.Mask.unsqueeze 0L) |> Array.head

    [
        for sequence in 0 .. inputs.Length - 1 ->
            [
                for step in 0 .. inputs[sequence].Length - 1 ->
                    let wanted = List.ofArray targets[sequence].[step]
                    let counts = masks[sequence].[step] = 1.0
                    List.ofArray inputs[sequence].[step], (if counts then Some wanted else None)
            ]
    ]

let private config = {
    FsCheckConfig.defaultConfig with
        arbitrary = [ typeof<Arbitraries> ]
        maxTest = 30
}

let private law (name: string) (holds: Folder -> TableCase -> unit) : Test =
    testPropertyWithConfig config name (fun (case: TableCase) ->
        use folder = new Folder()
        holds folder case)

let private kinds = [ TableTargets.SquaredError; TableTargets.Classes; TableTargets.Bits ]
let private wishes = [ WantedSteps.Every; WantedSteps.Last ]

let private structure =
    testList "structure" [
        law "each sequence is in one part, as an independent reading of the file shows it" (fun folder case ->
            let path = write folder case

            for kind in kinds do
                for wanted in wishes do
                    let task = task path case kind wanted
                    task.Validate()

                    let kept =
                        int (
                            max
                                1.0
                                (min
                                    (Math.Round(0.1 * float case.Lengths.Length))
                                    (float (case.Lengths.Length - 1)))
                        )

                    use training = task.Generate(request 0L (case.Lengths.Length - kept) case.Length false)
                    use validation = task.Generate(request 0L kept case.Length true)

                    let expected = [
                        for sequence in 0 .. case.Lengths.Length - 1 -> solve case kind wanted sequence
                    ]

                    Expect.equal
                        (List.sort (shown kind training @ shown kind validation))
                        (List.sort expected)
                        $"{kind}, {wanted}")

        law "has the shapes of its columns and its length" (fun folder case ->
            let path = write folder case
            let length = int64 case.Length
            let real = task path case TableTargets.SquaredError WantedSteps.Every
            use batch = real.Generate(request 0L 3 case.Length false)
            Expect.equal batch.Input.shape [| 3L; length; 2L |] "the input"
            Expect.equal batch.Target.shape [| 3L; length; 1L |] "numbers"
            Expect.equal [ for channel in 0..1 -> real.InputName channel ] [ "x_0"; "x_1" ] "its channels"
            Expect.equal (real.OutputName 0) "real" "the target's"
            let bits = task path case TableTargets.Bits WantedSteps.Every
            use batch = bits.Generate(request 0L 3 case.Length false)
            Expect.equal batch.Target.shape [| 3L; length; 2L |] "bits"
            Expect.equal (bits.OutputWidth()) 2 "a logit for each"
            let classes = task path case TableTargets.Classes WantedSteps.Every
            use batch = classes.Generate(request 0L 3 case.Length false)
            Expect.equal batch.Target.shape [| 3L; length |] "classes"

            let largest =
                [
                    for sequence, steps in List.indexed case.Lengths do
                        yield! rows sequence steps
                ]
                |> List.map (List.item 3)
                |> List.max

            Expect.equal (classes.OutputWidth()) (int largest + 1) "a logit for each")

        law "has the longest training sequence as its length, unless one is given" (fun folder case ->
            let path = write folder case
            let task = task path case TableTargets.Classes WantedSteps.Every
            use training = task.Generate(request 0L case.Lengths.Length 8 false)

            let trained =
                Tensors.values3 (training.Mask.unsqueeze 0L)
                |> Array.head
                |> Array.map Array.sum

            let longest = int (Array.max trained)
            Expect.equal (task.Lengths()) (LengthRange(longest, longest)) "of the part that is trained on"
            Expect.equal (TableTask(Steps = 7).Lengths()) (LengthRange(7, 7)) "as asked")

        test "windows of a table are sequences" {
            use folder = new Folder()
            let path = folder.File "a.csv"
            writeLines path ("x;y" :: [ for row in 0..29 -> $"{row};{row * 2}" ])

            let task =
                TableTask(Path = path, Inputs = "x", Targets = "y", Window = 5, Stride = 2, Normalise = false)

            task.Validate()
            Expect.equal (task.Lengths()) (LengthRange(5, 5)) "a window"

            for heldOut in [ false; true ] do
                use batch = task.Generate(request 0L 4 5 heldOut)

                for sequence in shown TableTargets.SquaredError batch do
                    let first = (fst sequence.Head).Head

                    let expected = [
                        for step in 0.0 .. 4.0 -> [ first + step ], Some [ 2.0 * (first + step) ]
                    ]

                    Expect.equal sequence expected "five rows"
        }

        test "the same table in another format gives the same batch, bit for bit" {
            use folder = new Folder()
            let table = SequenceTable.table 3UL 8 5 3
            SequenceTable.writeCsv (folder.File "a.csv") "," id table
            SequenceTable.writeParquetTable (folder.File "a.parquet") 7 Singles table
            SequenceTable.writeNpzTable (folder.File "a.npz") true false table

            let bits (name: string) =
                let sequence = if name.EndsWith ".npz" then "" else "id"

                let task =
                    TableTask(
                        Path = folder.File name,
                        Inputs = "x_2, x_0",
                        Targets = "x_1",
                        Sequence = sequence
                    )

                use batch = task.Generate(request 0L 7 5 false)
                [ batch.Input; batch.Target; batch.Mask ] |> List.map Tensors.bits

            Expect.equal (bits "a.parquet") (bits "a.csv") "Parquet"
            Expect.equal (bits "a.npz") (bits "a.csv") "NPZ"
        }
    ]

let private parts =
    testList "parts" [
        law
            "training goes through all sequences in another order each time, and never through those kept"
            (fun folder case ->
                let task = task (write folder case) case TableTargets.Bits WantedSteps.Every

                let which (batch: SequenceBatch) = [
                    for sequence in Tensors.values3 batch.Input -> sequence[0].[0]
                ]

                let kept = int (max 1.0 (Math.Round(0.1 * float case.Lengths.Length)))
                let count = case.Lengths.Length - kept
                let first = which (task.Generate(request 0L count 1 false))
                let later = which (task.Generate(request (5L * int64 count) count 1 false))
                let heldOut = which (task.Generate(request 0L kept 1 true))
                Expect.equal (List.sort later) (List.sort first) "the same sequences"

                Expect.equal
                    (List.sort (first @ heldOut))
                    [ 0.0 .. float (case.Lengths.Length - 1) ]
                    "each in one part")

        law "is the same, bit for bit, for the same request" (fun folder case ->
            let path = write folder case

            let bits () =
                use batch =
                    (task path case TableTargets.Bits WantedSteps.Last)
                        .Generate(request 3L 7 case.Length false)

                [ batch.Input; batch.Target; batch.Mask ] |> List.map Tensors.bits

            Expect.equal (bits ()) (bits ()) "the file and the seeds decide")

        test "normalised inputs and squared targets have mean 0 and deviation 1 over training" {
            use folder = new Folder()
            let case = { Lengths = [ 5; 3; 6; 2; 4; 6 ]; Length = 6; Seed = 3UL }
            let path = write folder case

            let task =
                TableTask(Path = path, Inputs = "x", Targets = "real", Sequence = "id", SplitSeed = 3UL)

            use batch = task.Generate(request 0L 5 6 false)

            let steps =
                shown TableTargets.SquaredError batch
                |> List.concat
                |> List.filter (snd >> Option.isSome)

            for column in 0..2 do
                let values = [ for input, target in steps -> (input @ target.Value)[column] ]
                Expect.isLessThan (abs (List.average values)) 1e-5 "the mean"

                Expect.isLessThan
                    (abs (List.averageBy (fun value -> value * value) values - 1.0))
                    1e-5
                    "the deviation"
        }

        test "normalising leaves bits and classes as they are" {
            use folder = new Folder()
            let case = { Lengths = [ 5; 3; 6 ]; Length = 6; Seed = 3UL }
            let path = write folder case

            for kind in [ TableTargets.Bits; TableTargets.Classes ] do
                let task =
                    TableTask(
                        Path = path,
                        Inputs = "x",
                        Targets = nameOf kind,
                        TargetKind = kind,
                        Sequence = "id"
                    )

                use batch = task.Generate(request 0L 2 6 false)

                Expect.all
                    (Tensors.values batch.Target)
                    (fun value -> value = Math.Floor value)
                    "whole numbers"
        }
    ]

/// Logits, `[batch, time, out]`, that say the same in each step: the distribution of wanted targets among these sequences.
let private constant (kind: TableTargets) (out: int) (batch: SequenceBatch) : torch.Tensor =
    let targets = shown kind batch |> List.concat |> List.choose snd

    let row =
        match kind with
        | TableTargets.Classes -> [
            for c in 0 .. out - 1 ->
                targets
                |> List.averageBy (fun t -> if int t[0] = c then 1.0 else 0.0)
                |> max 1e-12
                |> log
          ]
        | TableTargets.Bits -> [
            for c in 0 .. out - 1 ->
                let p = targets |> List.averageBy (fun t -> t[c]) |> max 1e-9 |> min (1.0 - 1e-9)
                log (p / (1.0 - p))
          ]
        | _ -> [ for c in 0 .. out - 1 -> targets |> List.averageBy (List.item c) ]

    let row = row |> List.map float32 |> List.toArray

    torch
        .tensor(row, 1L, 1L, int64 out)
        .expand(batch.Mask.shape[0], batch.Mask.shape[1], int64 out)
        .contiguous()

let private scores =
    testList "scores" [
        for kind in kinds do
            for wanted in wishes do
                test
                    $"a predictor that knows only the targets' distribution reaches the baseline: {kind}, {wanted}" {
                    use folder = new Folder()
                    let case = { Lengths = [ 5; 3; 6; 2; 4; 6; 1; 5 ]; Length = 5; Seed = 9UL }
                    let task = task (write folder case) case kind wanted
                    use batch = task.Generate(request 0L 7 5 false)
                    let logits = constant kind (task.OutputWidth()) batch
                    let baseline = task.Baseline 5
                    let loss = float (task.Loss(logits, batch).item<float32>()) * task.Output().LossUnit
                    Expect.isLessThan (abs (loss - baseline.Loss)) 1e-4 "the loss"
                    let score = task.Score(logits, batch) |> Array.averageBy float

                    Expect.isLessThan (abs (score - baseline.Score)) 1e-4 "the score"
                }
    ]

let private faults =
    testList "faults" [
        for option, task in
            [
                "task.path", TableTask(Inputs = "x", Targets = "y")
                "task.inputs", TableTask(Path = "a", Targets = "y")
                "task.inputs", TableTask(Path = "a", Inputs = "x,,z", Targets = "y")
                "task.targets", TableTask(Path = "a", Inputs = "x")
                "task.targets",
                TableTask(Path = "a", Inputs = "x", Targets = "y,z", TargetKind = TableTargets.Classes)
                "task.steps", TableTask(Path = "a", Inputs = "x", Targets = "y", Steps = -1)
                "task.window", TableTask(Path = "a", Inputs = "x", Targets = "y", Sequence = "id", Window = 3)
                "task.validation", TableTask(Path = "a", Inputs = "x", Targets = "y", Validation = -0.1)
            ] do
            test
                $"an impossible {option} is refused by name: inputs '{task.Inputs}', targets '{task.Targets}'" {
                Faults.says<ConfigurationException> [ $"{option}:" ] task.Validate
            }

        for name, lines, targets, kind, words in
            [
                "an unknown target",
                [ "id,x,label"; "a,1,0" ],
                "lable",
                TableTargets.Classes,
                [ "no column 'lable'"; "'label'" ]
                "a negative class",
                [ "id,x,y"; "a,1,0"; "b,1,-1" ],
                "y",
                TableTargets.Classes,
                [ "row 2, column 'y'"; "-1" ]
                "a bit of 2",
                [ "id,x,y"; "a,1,2"; "b,1,0" ],
                "y",
                TableTargets.Bits,
                [ "row 1, column 'y'"; "0 or 1" ]
                "classes in two columns",
                [ "id,x,y_0,y_1"; "a,1,0,1"; "b,1,0,1" ],
                "y",
                TableTargets.Classes,
                [ "'y' names 2 columns"; "single" ]
                "a word among the inputs",
                [ "id,x,y"; "a,one,0"; "b,1,0" ],
                "y",
                TableTargets.SquaredError,
                [ "row 1, column 'x'"; "'one'" ]
                "a single sequence",
                [ "id,x,y"; "a,1,0"; "a,1,0" ],
                "y",
                TableTargets.SquaredError,
                [ "holds one sequence" ]
            ] do
            test $"{name} is told before training" {
                use folder = new Folder()
                writeLines (folder.File "a.csv") lines

                let task =
                    TableTask(
                        Path = folder.File "a.csv",
                        Inputs = "x",
                        Targets = targets,
                        Sequence = "id",
                        TargetKind = kind
                    )

                Faults.says<DataException> (folder.File "a.csv" :: words) task.Validate
            }

        test "a missing file is told before training" {
            Faults.says<DataException> [ "none.csv"; "there is no such file" ] (fun () ->
                TableTask(Path = "none.csv", Inputs = "x", Targets = "y", Window = 2).Validate())
        }

        test "length 0 is refused" {
            use folder = new Folder()
            let case = { Lengths = [ 2; 3 ]; Length = 3; Seed = 1UL }
            let task = task (write folder case) case TableTargets.Bits WantedSteps.Every

            Faults.says<ConfigurationException> [ "task 'table': steps"; "0"; "1 to 10000000" ] (fun () ->
                task.Generate(request 0L 1 0 false) |> ignore)
        }
    ]

let tests = testList "TableTask" [ structure; parts; scores; faults ]

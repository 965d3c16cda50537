/// What holds of every task, whatever its kind.
module NtmLab.Tests.Tasks.TaskLaws

open System
open System.Text.Json.Nodes
open Expecto
open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Training
open TorchSharp

/// Tasks of the catalogue whose sequences come from the user's files: they cannot generate any by themselves.
let private onFiles: string list = [ "digits"; "table" ]

/// Makes a test of a law of drawn tasks.
type private Law = string -> (DrawnTask.Case<SequenceTask> -> SequenceBatch -> unit) -> Test

let private bits (batch: SequenceBatch) : byte[] list =
    [ batch.Input; batch.Target; batch.Mask ] |> List.map Tensors.bits

/// A part of a batch: some of its sequences, and of their steps the first ones.
let private part (first: int) (count: int) (time: int64) (batch: SequenceBatch) : SequenceBatch =
    let cut (tensor: torch.Tensor) = tensor.narrow(0L, int64 first, int64 count).narrow(1L, 0L, time).clone()

    new SequenceBatch(batch.Length, cut batch.Input, cut batch.Target, cut batch.Mask)

let private sequences (first: int) (count: int) (batch: SequenceBatch) : SequenceBatch =
    part first count batch.Mask.shape[1] batch

let private loss (task: SequenceTask) (logits: torch.Tensor) (batch: SequenceBatch) : float =
    task.Loss(logits, batch).to_type(torch.float64).ToDouble()
    * task.Output().LossUnit

let private structure (law: Law) =
    testList "structure" [
        law "has the widths and the length that it tells" (fun case batch ->
            let count, time = int64 case.Batch, batch.Input.shape[1]
            Expect.equal batch.Input.shape [| count; time; int64 (case.Task.InputWidth()) |] "the input"
            Expect.equal batch.Mask.shape [| count; time |] "the mask"
            Expect.equal batch.Length case.Length "the length"

            if batch.Target.dtype = torch.int64 then
                Expect.equal batch.Target.shape [| count; time |] "tokens"
                let tokens = Tensors.values batch.Target
                Expect.all tokens (fun token -> token >= 0.0 && int token < case.Task.OutputWidth()) "known"
            else
                Expect.equal batch.Target.shape [| count; time; int64 (case.Task.OutputWidth()) |] "vectors")

        law "counts some steps of every sequence, and wants nothing in the others" (fun _ batch ->
            Expect.all (Tensors.values batch.Mask) (fun x -> x = 0.0 || x = 1.0) "the mask"
            Expect.all (Tensors.values (batch.Mask.sum 1L)) ((<) 0.0) "in every sequence"

            let counted =
                if batch.Target.dim () = 3L then
                    batch.Mask.unsqueeze -1L
                else
                    batch.Mask

            Expect.all (Tensors.values (batch.Target * (counted - (1.0).ToScalar()))) ((=) 0.0) "the others")

        law "has finite inputs, and known tokens" (fun case batch ->
            let inputs = Tensors.values batch.Input
            Expect.all inputs Double.IsFinite "numbers"
            let tokens = case.Task.InputTokens()

            if tokens > 0 then
                Expect.all inputs (fun x -> x = floor x && x >= 0.0 && x < float tokens) "tokens")

        law "has a name of its own for every channel" (fun case _ ->
            for kind, count, name in
                [
                    "input", max (case.Task.InputWidth()) (case.Task.InputTokens()), case.Task.InputName
                    "output", case.Task.OutputWidth(), case.Task.OutputName
                ] do
                let names = List.init count name
                Expect.all names (String.IsNullOrWhiteSpace >> not) kind
                Expect.equal (List.distinct names) names kind)

        law "begins where every tensor does, so that a model rounds the same" (fun _ batch ->
            Expect.isTrue (Tensors.isAligned batch.Input) "aligned")
    ]

let private randomness (law: Law) (task: SequenceTask) =
    testList "randomness" [
        law "is the same, bit for bit, for the same key" (fun case batch ->
            Expect.equal (bits (DrawnTask.generate case)) (bits batch) "nothing but the key decides")

        law "is the same, bit for bit, through a request" (fun case batch ->
            let stream = RandomStream(case.Seed, "batch")
            let request = BatchRequest(stream, 5UL, 7L, case.Batch, case.Length, false)
            Expect.equal (bits (case.Task.Generate request)) (bits batch) "with the same stream")

        law "begins with the same sequences however many there are" (fun case batch ->
            let more = DrawnTask.generate { case with Batch = case.Batch + 3 }
            Expect.equal (bits (sequences 0 case.Batch more)) (bits batch) "shorter evaluations are parts")

        law "has a length of its range where none is asked for" (fun case _ ->
            let batch = case.Task.Generate(RandomStream(case.Seed, "train"), 1)
            let range = case.Task.Lengths()
            Expect.isTrue (range.Shortest <= batch.Length && batch.Length <= range.Longest) $"{batch.Length}")

        law "can have the shortest and the longest length of its range" (fun case _ ->
            for length in [ case.Task.Lengths().Shortest; case.Task.Lengths().Longest ] do
                use batch = case.Task.Generate(RandomStream(case.Seed, "train"), 1, length)
                Expect.equal batch.Length length "as asked")

        test "is another batch for another index" {
            use scope = torch.NewDisposeScope()
            let length = task.Lengths().Longest
            let batch index = task.Generate(RandomStream(1UL, "train", index), 4, length) |> bits
            Expect.notEqual (batch 0UL) (batch 1UL) "batches differ"
        }
    ]

let private scores (law: Law) =
    testList "scores" [
        law "call the right answer perfect, at no loss" (fun case batch ->
            let right = Answers.right case.Task batch
            let scores = case.Task.Score(right, batch)
            Expect.equal scores.Length case.Batch "one a sequence"
            Expect.all scores case.Task.IsPerfect "perfect"
            Expect.isLessThan (loss case.Task right batch) 1e-4 "certain and right")

        law "do not see what is said where nothing counts" (fun case batch ->
            let said = Answers.random case.Task batch case.Seed
            let counted = batch.Mask.unsqueeze -1L
            use size = (30.0).ToScalar()
            let noise = (Answers.random case.Task batch (case.Seed + 1UL)) * size
            let noisy = said * counted + noise * (torch.ones_like counted - counted)
            Expect.equal (case.Task.Score(noisy, batch)) (case.Task.Score(said, batch)) "scores"

            Expect.floatClose
                Accuracy.medium
                (loss case.Task noisy batch)
                (loss case.Task said batch)
                "the loss")

        law "are those of each sequence alone, and the loss is their mean" (fun case batch ->
            let said = Answers.random case.Task batch case.Seed

            let alone = [
                for i in 0 .. case.Batch - 1 ->
                    let one, answer = sequences i 1 batch, said.narrow (0L, int64 i, 1L)
                    case.Task.Score(answer, one)[0], loss case.Task answer one
            ]

            Expect.equal (List.ofArray (case.Task.Score(said, batch))) (List.map fst alone) "scores"

            Expect.floatClose
                Accuracy.medium
                (loss case.Task said batch)
                (List.averageBy snd alone)
                "the loss")

        law "stay as they are when longer sequences join" (fun case batch ->
            let longest = case.Task.Lengths().Longest
            use longer = case.Task.Generate(RandomStream(case.Seed, "longer"), 2, longest)
            let time = batch.Mask.shape[1]
            let before = sequences 0 case.Batch batch
            let joined = SequenceBatch.Join [| batch; longer |]
            let said = Answers.random case.Task joined case.Seed
            let mine = said.narrow(0L, 0L, int64 case.Batch).narrow(1L, 0L, time)

            Expect.equal
                (Array.take case.Batch (case.Task.Score(said, joined)))
                (case.Task.Score(mine.contiguous (), before))
                "blank steps do not count")
    ]

/// Requires numbers to have an expected mean: within five standard errors, and rounding.
let private hasMean (expected: float) (numbers: float[]) (what: string) : unit =
    let mean = Array.average numbers
    let variance = numbers |> Array.averageBy (fun number -> (number - mean) ** 2.0)
    let allowed = 5.0 * sqrt (variance / float (numbers.Length - 1)) + 1e-4 * abs expected
    Expect.isLessThanOrEqual (abs (mean - expected)) allowed $"{what}: {mean} where {expected} is expected"

let private references (law: Law) (task: SequenceTask) =
    testList "references" [
        law
            "are finite, greater than 0 without memory, and no worse for the best possible predictor"
            (fun case _ ->
                let baseline = case.Task.Baseline case.Length
                Expect.isTrue (Double.IsFinite baseline.Loss && baseline.Loss > 0.0) $"{baseline}"
                Expect.isTrue (Double.IsFinite baseline.Score && baseline.Score > 0.0) $"{baseline}"

                match Option.ofNullable (case.Task.Optimum case.Length) with
                | Some best ->
                    Expect.isTrue (0.0 <= best.Loss && best.Loss <= baseline.Loss) $"{best}"
                    Expect.isTrue (0.0 <= best.Score && best.Score <= baseline.Score) $"{best}"
                | None -> ())

        test "without memory are what a predictor reaches that remembers nothing" {
            use scope = torch.NewDisposeScope()
            let length = task.Lengths().Shortest

            let batches = [
                for index in 0UL .. 99UL -> task.Generate(RandomStream(31UL, "train", index), 32, length)
            ]

            let answer = Answers.withoutMemory task batches

            let losses, scores =
                [|
                    for batch in batches do
                        use scope = torch.NewDisposeScope()
                        let said = answer batch
                        loss task said batch, task.Score(said, batch) |> Array.averageBy float
                |]
                |> Array.unzip

            let baseline = task.Baseline length
            hasMean baseline.Loss losses "loss"
            hasMean baseline.Score scores "score"
        }
    ]

let private configurationOf (task: SequenceTask) : ExperimentConfiguration =
    // A length that no option of a task rules out.
    let evaluation = EvaluationOptions(Lengths = [| SequenceTask.LengthLimit |])
    ExperimentConfiguration(Name = "sample", Task = task, Model = NtmOptions(), Evaluation = evaluation)

/// The options of a configuration's task with their values as JSON.
let private written (configuration: ExperimentConfiguration) : Map<string, string> =
    let document = ConfigurationJson.Write configuration

    Map [
        for pair in (nonNull document["task"]).AsObject() -> pair.Key, (nonNull pair.Value).ToJsonString()
    ]

let private configuration (law: Law) (name: string) (task: SequenceTask) =
    testList "configuration" [
        law "comes back from its JSON" (fun case _ ->
            let text = (ConfigurationJson.Write(configurationOf case.Task)).ToJsonString()
            let document = (nonNull (JsonNode.Parse text)).AsObject()
            let back = ConfigurationJson.Read(document, configurationOf (CopyTask()))
            Expect.equal back.Task case.Task "every option")

        law "has a path to every option, which sets it and no other" (fun case _ ->
            let random = RandomStream(case.Seed, "overrides")
            let before = written (configurationOf case.Task)
            Expect.equal before["kind"] $"\"{name}\"" "its name"

            for option, values in DrawnTask.options case.Task do
                let value = DrawnTask.oneOf random values

                try
                    let set =
                        ConfigurationOverride.Apply(configurationOf case.Task, [ $"task.{option}={value}" ])

                    Expect.equal (written set) (Map.add option value before) option
                with :? ConfigurationException as fault ->
                    Expect.stringContains fault.Message "task." "a value that the others do not allow")

        for option, values in DrawnTask.options task do
            test $"has values to try for {option}" { Expect.isNonEmpty values "of a type that is known here" }

            // A bare name, for the values of a choice.
            if List.exists (fun (value: string) -> value.StartsWith '"') values then
                test $"names what {option} accepts" {
                    Faults.says<ConfigurationException>
                        ($"task.{option}" :: [ for value in values -> value.Trim '"' ])
                        (fun () ->
                            ConfigurationOverride.Apply(configurationOf task, [ $"task.{option}=neither" ])
                            |> ignore)
                }

            if List.contains "9" values then
                test $"refuses a negative {option} by name" {
                    Faults.says<ConfigurationException> [ $"task.{option}: -1 is not allowed" ] (fun () ->
                        ConfigurationOverride.Apply(configurationOf task, [ $"task.{option}=-1" ])
                        |> ignore)
                }
    ]

let private faults (name: string) (task: SequenceTask) =
    let refused (words: string list) (batch: int) (length: int) () =
        Faults.says<ConfigurationException> ($"task '{name}'" :: words) (fun () ->
            task.Generate(RandomStream(1UL, "batch"), batch, length) |> ignore)

    testList "faults" [
        testCase "length 0 is refused" (refused [ "0"; $"{SequenceTask.LengthLimit}" ] 1 0)

        testCase
            "a length beyond the limit is refused"
            (refused [ $"{Int32.MaxValue}"; $"{SequenceTask.LengthLimit}" ] 1 Int32.MaxValue)

        testCase
            "a batch that no array can hold is refused"
            (refused [ "is not allowed" ] Int32.MaxValue SequenceTask.LengthLimit)

        testCase
            "an empty batch is refused"
            (refused [ "batch"; "0"; "1 or more" ] 0 (task.Lengths().Shortest))
    ]

let private laws (name: string) (task: SequenceTask) : Test =
    let law: Law = fun sentence holds -> DrawnTask.law sentence task holds

    testList name [
        test "has defaults that are allowed" { task.Validate() }
        structure law
        randomness law task
        scores law
        references law task
        configuration law name task
        faults name task
    ]

let tests =
    testList "TaskLaws" [
        for entry in Catalog.Tasks do
            if not (List.contains entry.Name onFiles) then
                laws entry.Name (nonNull (Activator.CreateInstance entry.Type) :?> SequenceTask)
    ]

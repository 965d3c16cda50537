/// Tasks with drawn options, and batches of them.
module NtmLab.Tests.Tasks.DrawnTask

open System
open System.Text.Json
open System.Text.Json.Nodes
open Expecto
open FsCheck.FSharp
open NtmLab
open NtmLab.Configuration
open NtmLab.Tasks
open TorchSharp

/// A task, and how a batch of it is drawn.
type Case<'task> = { Task: 'task; Batch: int; Length: int; Seed: uint64 }

/// Small values of a type, as JSON.
let private valuesOf (kind: Type) : string list =
    if kind = typeof<int> then
        [ for number in 0..9 -> string number ]
    elif kind = typeof<float> then
        [ "0"; "0.01"; "0.5"; "1"; "2.5" ]
    elif kind = typeof<bool> then
        [ "true"; "false" ]
    elif kind.IsEnum then
        [ for name in Enum.GetNames kind -> $"\"{JsonNamingPolicy.KebabCaseLower.ConvertName name}\"" ]
    else
        []

/// Every option of a task by its name in a configuration, with values to try, as JSON.
let options (task: SequenceTask) : (string * string list) list = [
    for property in task.GetType().GetProperties() do
        if property.CanWrite then
            JsonNamingPolicy.CamelCase.ConvertName property.Name, valuesOf property.PropertyType
]

/// One of several values.
let oneOf (random: RandomStream) (values: 'a list) : 'a = values[random.Next values.Length]

/// The task with another value of an option, or the task itself where the value is refused.
let private change (task: 'task :> SequenceTask) (option: string) (value: string) : 'task =
    let kind = task.GetType()

    let document =
        (nonNull (JsonSerializer.SerializeToNode(task, kind, ConfigurationJson.Options))).AsObject()

    document[option] <- JsonNode.Parse value
    let changed = nonNull (document.Deserialize(kind, ConfigurationJson.Options))

    try
        (unbox<SequenceTask> changed).Validate()
        unbox<'task> changed
    with :? ConfigurationException ->
        task

/// Draws a task from a given one: about half of its options have other, small values, and all are allowed.
let draw (task: 'task :> SequenceTask) (seed: uint64) : Case<'task> =
    let random = RandomStream(seed, "drawn task")
    let known = options task

    let mutable drawn = task

    for _ in known do
        let option, values = oneOf random known

        if not values.IsEmpty then
            drawn <- change drawn option (oneOf random values)

    {
        Task = drawn
        Batch = random.Next(1, 6)
        Length = drawn.Lengths().Draw random
        Seed = seed
    }

/// The batch of a case.
let generate (case: Case<'task> when 'task :> SequenceTask) : SequenceBatch =
    case.Task.Generate(RandomStream(case.Seed, "batch"), case.Batch, case.Length)

/// A law of drawn tasks, each with a batch of it.
let law (name: string) (task: 'task :> SequenceTask) (holds: Case<'task> -> SequenceBatch -> unit) : Test =
    let cases = gen {
        let! seed = Gen.choose (0, Int32.MaxValue)
        return draw task (uint64 seed)
    }

    let check (case: Case<'task>) =
        use scope = torch.NewDisposeScope()
        holds case (generate case)

    testPropertyWithConfig
        { FsCheckConfig.defaultConfig with maxTest = 25 }
        name
        (Prop.forAll (Arb.fromGen cases) check)

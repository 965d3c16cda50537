/// What studies have found beside their runs, kept so that nothing is measured twice, and archives of findings that were made
/// elsewhere.
[<RequireQualifiedAccess>]
module NtmLab.Findings

open System
open System.IO
open System.Security.Cryptography
open System.Text
open System.Text.Json
open NtmLab.Configuration
open NtmLab.Runs

/// Something measured.
type Finding = {
    /// Says all that decides it.
    Key: string
    /// What was measured.
    Value: JsonElement
    /// When.
    Made: DateTimeOffset
    /// The version of the code that measured it, with its commit.
    CodeVersion: string
    /// The machine that it was measured on.
    Machine: MachineRecord
}

/// Findings and the records of finished runs.
type Archive = { Findings: Finding list; Runs: RunRecord list }

let private findingsFile (folder: string) : string = Path.Combine(folder, "findings.jsonl")
let private runsFile (folder: string) : string = Path.Combine(folder, "runs.jsonl")

let private parse<'T when 'T: not null and 'T: not struct> (text: string) : 'T =
    match JsonSerializer.Deserialize<'T>(text, ConfigurationJson.Options) with
    | null -> raise (JsonException "null")
    | value -> value

let private lines<'T when 'T: not null and 'T: not struct> (file: string) : 'T list =
    if not (File.Exists file) then
        []
    else
        File.ReadAllLines file
        |> Array.indexed
        |> Array.filter (fun (_, line) -> line <> "")
        |> Array.map (fun (index, line) ->
            try
                parse<'T> line
            with :? JsonException as fault ->
                raise (RunException($"{file}: line {index + 1} is damaged, or of another version.", fault)))
        |> List.ofArray

/// Reads an archive; one that is not there is empty.
/// <exception cref="T:NtmLab.RunException">A line is damaged.</exception>
let read (folder: string) : Archive = {
    Findings = lines (findingsFile folder)
    Runs = lines (runsFile folder)
}

let private compact = lazy JsonSerializerOptions(ConfigurationJson.Options, WriteIndented = false)

let private writeLines (file: string) (values: 'T list) : unit =
    AtomicFile.Write(
        file,
        (fun stream ->
            use writer = new StreamWriter(stream, UTF8Encoding false, leaveOpen = true)

            for value in values do
                writer.Write(JsonSerializer.Serialize(value, compact.Value))
                writer.Write '\n')
    )

/// Writes an archive, in the order of keys and of ids, in place of the one that is there.
let write (folder: string) (archive: Archive) : unit =
    Directory.CreateDirectory folder |> ignore
    archive.Findings |> List.sortBy _.Key |> writeLines (findingsFile folder)

    archive.Runs
    |> List.sortBy (fun record -> record.Name, record.Seed, record.Id)
    // The folder of a script says nothing on another machine.
    |> List.map (fun record -> record.WithScript(nonNull (Path.GetFileName record.Script)))
    |> writeLines (runsFile folder)

/// An archive with more in it, in place of findings of the same keys and of runs of the same configurations: ids are those of a
/// folder of runs, and say nothing across folders.
let add (archive: Archive) (more: Archive) : Archive = {
    Findings = more.Findings @ archive.Findings |> List.distinctBy _.Key
    Runs =
        more.Runs @ archive.Runs
        |> List.distinctBy (fun record -> RunCells.identityOf record.Configuration)
}

let private fileOf (runs: string) (key: string) : string =
    let hash = SHA256.HashData(Encoding.UTF8.GetBytes key) |> Convert.ToHexStringLower
    Path.Combine(runs, "findings", $"{hash[..31]}.json")

/// What was found here under a key, if anything.
let find (runs: string) (key: string) : Finding option =
    let file = fileOf runs key

    if File.Exists file then
        try
            Some(parse<Finding>(File.ReadAllText file))
        with :? JsonException ->
            None
    else
        None

/// Keeps other processes from measuring under a key; none while another one does.
let hold (runs: string) (key: string) : IDisposable option = Hold.take (fileOf runs key + ".hold")

/// Measures and keeps; what is kept already under the key is replaced.
let make (runs: string) (key: string) (measure: unit -> 'T) : Finding =
    let value = JsonSerializer.SerializeToElement(measure (), ConfigurationJson.Options)

    let finding = {
        Key = key
        Value = value
        Made = DateTimeOffset.UtcNow
        CodeVersion = Machine.codeVersion
        Machine = Machine.describe 1
    }

    AtomicFile.Write(
        fileOf runs key,
        (fun stream -> JsonSerializer.Serialize(stream, finding, ConfigurationJson.Options))
    )

    finding

/// A finding's value.
let value<'T when 'T: not null and 'T: not struct> (finding: Finding) : 'T =
    parse<'T>(finding.Value.GetRawText())

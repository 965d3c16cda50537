/// What a study says: numbers, tables, figures and verdicts, written where a paper finds them.
[<RequireQualifiedAccess>]
module NtmLab.Report

open System
open System.Collections.Generic
open System.IO
open System.Text.Json
open NtmLab.Configuration
open NtmLab.Runs
open Spectre.Console

/// What measurements say of a claim.
type Verdict =
    | Holds = 0
    | HoldsInPart = 1
    | Refuted = 2
    /// Too little was measured to say.
    | Open = 3

/// A claim that was tested.
type Claim = {
    /// Where it stands in the list of all claims.
    Place: int
    /// What is claimed, in a sentence.
    Claim: string
    Verdict: Verdict
    /// The figures that the verdict rests on, in a sentence or two.
    Evidence: string
}

/// A table of texts, the first column on the left, the others on the right.
type Table = {
    Name: string
    /// What it shows, in units that its headings do not name, in a sentence or two.
    Caption: string
    Headings: string list
    Rows: string list list
}

/// A figure that was drawn where `figure` says.
type Figure = {
    Name: string
    /// What it shows, in a sentence or two.
    Caption: string
}

/// One part of a study, as it is written down.
type Chapter = {
    /// The part's name, e.g. `memory-length`.
    Name: string
    /// Values that texts refer to by name.
    Numbers: (string * string) list
    Figures: Figure list
    Tables: Table list
    Claims: Claim list
}

/// Where a chapter's numbers come from.
type Source = {
    /// The runs that it rests on.
    Runs: string list
    /// How many findings that are no runs.
    Findings: int
    Seeds: uint64 list
    CodeVersions: string list
    Machines: string list
    /// How much of the study this is.
    Budget: StudyBudget
}

/// A chapter as it lies in the folder of a report.
type Published = { Chapter: Chapter; Source: Source }

let private folderOf (session: Session) : string =
    session.Report
    |> Option.defaultValue (Path.Combine(session.Runs, "report", (string session.Budget).ToLowerInvariant()))

/// Where a figure of this name is to be drawn, without the ending.
let figure (name: string) : string =
    let folder = folderOf (Session.get ())
    Directory.CreateDirectory folder |> ignore
    Path.Combine(folder, name)

let private sourceOf (session: Session) (used: Findings.Archive) : Source = {
    Runs = [ for record in used.Runs -> record.Id ]
    Findings = used.Findings.Length
    Seeds = [ for record in used.Runs -> record.Seed ] |> List.distinct |> List.sort
    CodeVersions =
        [
            for record in used.Runs -> record.CodeVersion
            for finding in used.Findings -> finding.CodeVersion
        ]
        |> List.distinct
        |> List.sort
    Machines =
        [
            for record in used.Runs -> record.Machine
            for finding in used.Findings -> finding.Machine
        ]
        |> List.map (fun machine -> $"{machine.Processor}, {machine.Runtime}, libtorch {machine.LibTorch}")
        |> List.distinct
        |> List.sort
    Budget = session.Budget
}

let private show (chapter: Chapter) : unit =
    for table in chapter.Tables do
        printfn "%s" table.Caption
        let shown = Spectre.Console.Table().RoundedBorder()

        for heading in table.Headings do
            shown.AddColumn heading |> ignore

        for row in table.Rows do
            shown.AddRow [| for text in row -> Markup.Escape text |] |> ignore

        AnsiConsole.Write shown

    for claim in chapter.Claims do
        printfn "%s\n  %O: %s" claim.Claim claim.Verdict claim.Evidence

/// Writes a chapter, with the runs and findings that the study used for it, and shows it.
/// <exception cref="T:NtmLab.Runs.RunException">A figure of it was not drawn.</exception>
let publish (chapter: Chapter) : unit =
    let session = Session.get ()

    for { Name = name } in chapter.Figures do
        if not (File.Exists(figure name + ".png")) then
            raise (RunException $"chapter '{chapter.Name}': its figure '{name}' was not drawn.")

    let published = { Chapter = chapter; Source = sourceOf session (Study.used ()) }

    let file = figure chapter.Name + ".json"

    AtomicFile.Write(
        file,
        (fun stream -> JsonSerializer.Serialize(stream, published, ConfigurationJson.Options))
    )

    show chapter
    eprintfn "written to %s" file

/// Reads a chapter that was published in a folder; none if it was not.
let read (folder: string) (name: string) : Published option =
    let file = Path.Combine(folder, name + ".json")

    if File.Exists file then
        JsonSerializer.Deserialize<Published>(File.ReadAllText file, ConfigurationJson.Options)
        |> Option.ofObj
    else
        None

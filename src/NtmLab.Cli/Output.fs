/// What verbs print on standard output: JSON documents and tables.
module internal NtmLab.Cli.Output

open System
open System.Text.Json.Nodes
open NtmLab.Configuration
open Spectre.Console

let printJson (document: JsonNode | null) : unit =
    match document with
    | null -> ()
    | document -> Console.Out.WriteLine(document.ToJsonString ConfigurationJson.Options)

let jsonObject (members: (string * string) list) : JsonNode =
    let document = JsonObject()

    for name, value in members do
        document[name] <- JsonValue.Create value

    document

let jsonList (items: JsonNode seq) : JsonNode = JsonArray [| for item in items -> item |]

let table (headings: string list) (rows: string list seq) : unit =
    let table = Table().RoundedBorder()

    for heading in headings do
        table.AddColumn(Markup.Escape heading) |> ignore

    for row in rows do
        table.AddRow [| for cell in row -> Markup.Escape cell |] |> ignore

    AnsiConsole.Write table

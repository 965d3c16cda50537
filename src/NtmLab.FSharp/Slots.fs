/// What a saved memory holds, slot by slot: in the terminal, as JSON and as a picture.
[<RequireQualifiedAccess>]
module NtmLab.Slots

open System
open System.Text.Json
open System.Text.Json.Nodes
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Probes
open Spectre.Console
open TorchSharp

/// The most slots that the terminal lists.
let private listed = 32

/// The most slots that a picture shows.
let private drawn = 200

/// The most values of a slot that the terminal shows.
let private shownValues = 24

let private invariant = Globalization.CultureInfo.InvariantCulture
let private figure (number: float) : string = number.ToString("F3", invariant)

/// The slots in use, at most so many: the most used ones, of equal ones the longest vectors; in the order of their numbers.
let private mostUsed (most: int) (slots: SlotContent seq) : SlotContent list =
    slots
    |> Seq.filter _.IsUsed
    |> Seq.sortBy (fun slot -> -slot.Use, -slot.Norm)
    |> Seq.truncate most
    |> Seq.sortBy _.Slot
    |> Seq.toList

/// The greatest absolute value that slots hold.
let private reach (slots: SlotContent list) : float32 =
    slots
    |> Seq.collect _.Values
    |> Seq.fold (fun most value -> max most (abs value)) 1e-9f

/// A value for each bar, from the lowest at -reach to the highest at reach.
let private bars (reach: float32) (values: float32 seq) : string =
    let bars = "▁▂▃▄▅▆▇█"
    let place (value: float32) = (value + reach) / (2.0f * reach) * float32 (bars.Length - 1)

    values
    |> Seq.truncate shownValues
    |> Seq.map (fun value -> bars[int (Math.Round(float (place value)))])
    |> Seq.toArray
    |> String

/// Prints the most used slots as a table on standard output.
let print (saved: SavedMemory) : unit =
    let slots = SlotProbe.Slots saved
    let shown = mostUsed listed slots
    let used = slots |> Seq.filter _.IsUsed |> Seq.length
    let reach = reach shown
    let ofRun = if saved.Run = "" then "" else $"{saved.Run}: "

    Console.Out.WriteLine
        $"{ofRun}memory of policy '{saved.Policy}' after a sequence of length {saved.Length}: {used} of {saved.Slots} slots in use."

    let table = Table().RoundedBorder()
    let number (name: string) = TableColumn(name).RightAligned().NoWrap()

    let columns = [
        number "slot"
        number (SlotProbe.UseName saved)
        number "norm"
        TableColumn("content").NoWrap()
        number "nearest"
        number "cosine"
    ]

    for column in columns do
        table.AddColumn column |> ignore

    for slot in shown do
        let orNothing (text: 'T -> string) (value: Nullable<'T>) =
            value |> Option.ofNullable |> Option.map text |> Option.defaultValue "-"

        table.AddRow(
            string slot.Slot,
            figure slot.Use,
            figure slot.Norm,
            bars reach slot.Values,
            orNothing string slot.Nearest,
            orNothing figure slot.Cosine
        )
        |> ignore

    if not shown.IsEmpty then
        AnsiConsole.Write table

        let limit =
            if saved.Width > shownValues then
                $"the first {shownValues} of "
            else
                ""

        Console.Out.WriteLine
            $"content: {limit}{saved.Width} values, a bar each, from {figure (float -reach)} to {figure (float reach)}; nearest: the most similar other slot in use."

    if used > shown.Length then
        Console.Out.WriteLine
            $"listed are the {shown.Length} most used of {used} slots in use; --json gives all."

let private values (tensor: torch.Tensor) : JsonNode =
    use _scope = torch.NewDisposeScope()
    let plain = tensor.``to``(torch.float32).contiguous()

    let flat: float32[] =
        if plain.numel () = 0L then
            [||]
        else
            plain.data<float32>().ToArray()

    let document = JsonObject()
    document["shape"] <- JsonArray [| for size in plain.shape -> JsonValue.Create size :> JsonNode |]
    document["values"] <- JsonArray [| for value in flat -> JsonValue.Create value :> JsonNode |]
    document

/// All that the file holds: every slot, the policy's state and the last reads.
let json (saved: SavedMemory) : JsonNode =
    let document = JsonObject()
    let slots = SlotProbe.Slots saved
    let state = JsonObject()

    for struct (name, value) in saved.PolicyState do
        state[name] <- values value

    document["run"] <- JsonValue.Create saved.Run
    document["policy"] <- JsonValue.Create saved.Policy
    document["slots"] <- JsonValue.Create saved.Slots
    document["slotsUsed"] <- JsonValue.Create(slots |> Seq.filter _.IsUsed |> Seq.length)
    document["width"] <- JsonValue.Create saved.Width
    document["length"] <- JsonValue.Create saved.Length
    document["use"] <- JsonValue.Create(SlotProbe.UseName saved)
    document["memory"] <- JsonSerializer.SerializeToNode(slots, ConfigurationJson.Options)
    document["policyState"] <- state
    document["reads"] <- values saved.Reads
    document

/// Draws the slots in use as `path.png` and `path.svg`.
let picture (saved: SavedMemory) (path: string) : unit =
    let slots = SlotProbe.Slots saved
    let used = slots |> Seq.filter _.IsUsed |> Seq.length

    // Without any slot in use, all are drawn as they are: blank.
    let shown =
        match mostUsed drawn slots with
        | [] -> slots |> Seq.truncate drawn |> Seq.toList
        | shown -> shown

    if not shown.IsEmpty then
        Heatmaps.memory
            $"{saved.Policy} after a sequence of length {saved.Length}: {used} of {saved.Slots} slots in use"
            (SlotProbe.UseName saved)
            [| for slot in shown -> slot.Slot |]
            (Array2D.init shown.Length saved.Width (fun row column -> shown[row].Values[column]))
            [| for slot in shown -> slot.Use |]
            path

/// One drawn sequence of a task: as arrays, in the terminal, and as a picture.
[<RequireQualifiedAccess>]
module NtmLab.Example

open System
open System.Globalization
open NtmLab.Configuration
open NtmLab.Tasks
open TorchSharp

/// The first sequence of a tensor `[batch, time, feature]` as an array `[feature, time]`.
let internal firstSequence (tensor: torch.Tensor) : float32[,] =
    use _scope = torch.NewDisposeScope()
    let plain = tensor[0L].detach().``to``(torch.ScalarType.Float32).cpu().t().contiguous()
    let rows, columns = int plain.shape[0], int plain.shape[1]
    let values = plain.data<float32>().ToArray()
    Array2D.init rows columns (fun row column -> values[row * columns + column])

/// The inputs of a batch's first sequence, `[channel, time]`; a token as a 1 in its own channel.
let inputs (task: SequenceTask) (batch: SequenceBatch) : float32[,] =
    let given = firstSequence batch.Input
    let tokens = task.InputTokens()

    if tokens = 0 then
        given
    else
        Array2D.init tokens (Array2D.length2 given) (fun token time ->
            if int given[0, time] = token then 1.0f else 0.0f)

/// What is wanted of a batch's first sequence, in the target's terms, `[channel, time]`; 0 where nothing is.
let wanted (task: SequenceTask) (batch: SequenceBatch) : float32[,] =
    use _scope = torch.NewDisposeScope()
    firstSequence (task.Output().Wanted batch)

/// Where loss and score count, `[1, time]`.
let mask (batch: SequenceBatch) : float32[,] =
    use _scope = torch.NewDisposeScope()
    firstSequence (batch.Mask.unsqueeze -1L)

/// The names of the input's channels.
let inputNames (task: SequenceTask) : string list =
    List.init (max (task.InputTokens()) (task.InputWidth())) task.InputName

/// The names of the target's channels.
let outputNames (task: SequenceTask) : string list = List.init (task.OutputWidth()) task.OutputName

/// A sequence of a task as `ntmlab show-task` draws it.
/// <exception cref="T:NtmLab.ConfigurationException">The task cannot have that length.</exception>
let draw (task: SequenceTask) (seed: uint64) (length: int) : SequenceBatch =
    let random = RandomStream(seed, "example", uint64 length)
    task.Generate(BatchRequest(random, seed, 0L, 1, length, false))

let private isBit (value: float32) = value = 0.0f || value = 1.0f

let private cell (allBits: bool) (value: float32) : string =
    if value = 0.0f then
        "."
    elif allBits then
        "\u2588"
    else
        value.ToString("0.0;-0.0;0.0", CultureInfo.InvariantCulture)

/// The rows of a vector-valued panel: one a channel.
let private channelRows
    (names: string list)
    (isShown: int -> bool)
    (values: float32[,])
    : (string * string[]) list = [
    for channel, name in List.indexed names do
        let row = values[channel, *]
        let allBits = Array.forall isBit row

        name,
        row
        |> Array.mapi (fun time value -> if isShown time then cell allBits value else " ")
]

/// The one row of a panel of tokens: in each step the name of the token, or its number where names are long.
let private tokenRow
    (names: string list)
    (isShown: int -> bool)
    (values: float32[,])
    : (string * string[]) list =
    let areShort = names |> List.forall (fun name -> name.Length <= 3)

    let cell time =
        let token = Array.IndexOf(values[*, time], 1.0f)

        if not (isShown time) then " "
        elif areShort then names[token]
        else string token

    [ "token", Array.init (Array2D.length2 values) cell ]

/// The first step of each block, when steps of these widths are put side by side in blocks of at most a width.
let private blockStarts (width: int) (widths: int[]) : int list =
    let place (starts, used) (step, wide) =
        if used > 0 && used + wide > width then
            step :: starts, wide
        else
            starts, used + wide

    Seq.indexed widths |> Seq.fold place ([ 0 ], 0) |> fst |> List.rev

/// Input and target of a batch's first sequence in lines of at most `width` characters, time running to the right; a long
/// sequence goes on below, at most `blocks` times.
let lines (task: SequenceTask) (batch: SequenceBatch) (width: int) (blocks: int) : string list =
    let counts = mask batch
    let always, ifCounted = (fun _ -> true), (fun time -> counts[0, time] > 0.0f)
    let ofInput = if task.InputTokens() > 0 then tokenRow else channelRows

    let ofTarget =
        if task.Output() :? TokenOutput then
            tokenRow
        else
            channelRows

    let rows = [
        for name, cells in ofInput (inputNames task) always (inputs task batch) do
            "input", name, cells
        for name, cells in ofTarget (outputNames task) ifCounted (wanted task batch) do
            "target", name, cells
        "mask", "", counts[0, *] |> Array.map (fun value -> if value > 0.0f then "1" else ".")
    ]

    let nameWidth = rows |> Seq.map (fun (_, name, _) -> name.Length) |> Seq.max
    let time = Array2D.length2 counts

    // A step is as wide as its widest cell, with a space before it where that is a number.
    let widths = [|
        for step in 0 .. time - 1 ->
            match rows |> Seq.map (fun (_, _, cells) -> cells[step].Length) |> Seq.max with
            | 1 -> 1
            | wide -> wide + 1
    |]

    let starts =
        blockStarts (max 1 (width - 8 - nameWidth - 1)) widths
        |> List.truncate (blocks + 1)

    let ends = List.tail starts @ [ time ] |> List.truncate blocks

    [
        for start, stop in Seq.zip starts ends do
            if start > 0 then
                ""

            let mutable panel = ""

            for part, name, cells in rows do
                let shown = if part = panel then "" else part
                panel <- part

                let drawn =
                    String.Join("", [ for step in start .. stop - 1 -> cells[step].PadLeft widths[step] ])

                $"{shown.PadRight 8}{name.PadLeft nameWidth} {drawn}".TrimEnd()

        let left = time - List.last ends

        if left > 0 then
            $"... and {left} more of {time} steps; --length chooses a shorter sequence."
    ]

/// Writes input, target and mask of a batch's first sequence as `path.png` and `path.svg`.
let picture (task: SequenceTask) (batch: SequenceBatch) (path: string) : unit =
    let panel name values channels : Heatmaps.Panel = { Name = name; Values = values; Channels = channels }

    Heatmaps.panels
        $"{Catalog.NameOf(task.GetType())}, length {batch.Length}"
        [
            panel "input" (inputs task batch) (inputNames task)
            panel "target" (wanted task batch) (outputNames task)
            panel "mask" (mask batch) [ "counts" ]
        ]
        path

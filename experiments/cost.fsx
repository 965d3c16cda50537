// Do recurrent cells suit hardware badly? What a step of each model has to compute and to move, how fast this machine does it, and
// what its roofline allows.
#load "study_models.fsx"

open System.Globalization
open NtmLab
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Tasks
open Study_models

let batches, lengths, seconds, probed =
    match Study.budget () with
    | StudyBudget.Smoke -> [ 1; 16 ], [ 100 ], 0.2, [ "lstm"; "attention"; "ntm" ]
    | StudyBudget.Quick -> [ 1; 16; 64 ], [ 100; 1000 ], 5.0, names
    | _ -> [ 1; 16; 64 ], [ 100; 1000; 10_000 ], 240.0, names

let asked = NeedleTask()

/// A model of the study; attention keeps no more steps than are asked for here, as it would look at all that it keeps.
let optionsOf (name: string) : ModelOptions =
    match sized 50_000L asked 1000 name with
    | :? AttentionOptions as found ->
        AttentionOptions(
            Width = found.Width,
            Heads = found.Heads,
            Layers = found.Layers,
            Context = List.last lengths
        )
    | other -> other

/// One report a model, each with a roofline of its own moment.
let reports: (string * CostReport) list = [
    for name in probed ->
        let key =
            let seen =
                if name = "attention" then
                    $" over {List.last lengths} steps"
                else
                    ""

            $"cost, {name}{seen}, 50 000 parameters at most, batches {listed batches}, lengths {listed lengths}, {seconds} s a cell"

        let make () = (optionsOf name).Build(asked, RandomStream(1UL, "model"))

        name,
        Study.finding key (fun () ->
            let options = CostOptions(Batches = batches, Lengths = lengths, Seconds = seconds)
            CostProbe.Measure([| struct (name, System.Func<_> make) |], options))
]

let roofline (part: NtmLab.Kernels.Roofline -> float) : float =
    Statistics.median [ for _, report in reports -> part report.Roofline ]

let peak = roofline _.MultiplyAddsPerSecond
let cache = roofline _.CacheBytesPerSecond
let memory = roofline _.MemoryBytesPerSecond

/// The length at which models are compared.
let length = lengths |> List.filter (fun length -> length <= 1000) |> List.last

let cellOver (length: int) (name: string) (mode: CostMode) (batch: int) : CostCell =
    let _, report = reports |> List.find (fst >> (=) name)

    report.Models[0].Cells
    |> Seq.find (fun cell -> cell.Mode = mode && cell.Work.Batch = batch && cell.Work.Length = length)

let cell = cellOver length

/// What was measured of a cell, if it was.
let timed (cell: CostCell) : CostTime option = Option.ofObj cell.Time

let invariant = CultureInfo.InvariantCulture
let short (value: float) : string = value.ToString("G3", invariant)

let thousands (value: float) : string =
    let count = value / 1000.0

    if count < 9.5 then
        count.ToString("G2", invariant)
    else
        count.ToString("N0", invariant).Replace(',', ' ')

let speed (cell: CostCell) : string =
    match timed cell with
    | Some time -> thousands time.StepsPerSecond
    | None -> "left out"

/// Multiply-adds a second as a share of the peak.
let ofPeak (cell: CostCell) : string =
    match timed cell with
    | Some time -> string (round (100.0 * time.MultiplyAddsPerSecond / peak)) + " %"
    | None -> "-"

let intensities = [
    for name in probed do
        for batch in batches -> (cell name CostMode.Training batch).Work.Intensity
]

/// The roof over all intensities that occur.
let roof (bandwidth: float) : (float * float list) list =
    let low, high = List.min intensities / 2.0, List.max intensities * 2.0

    [
        for intensity in [ low; peak / bandwidth; high ] do
            if intensity >= low && intensity <= high then
                intensity, [ min peak (intensity * bandwidth) / 1e9 ]
    ]

let line (name: string) (points: (float * float list) list) : Lines.Series = { Name = name; Points = points }

Lines.draw
    {
        XName = "multiply-adds a byte"
        YName = "10⁹ multiply-adds a second"
        Scale = Lines.ByFactors 1e-3
        Reference = None
        Panels = [
            {
                Heading = $"training, batches of {listed batches}, {length} steps"
                Series = [
                    for name in probed do
                        line name [
                            for batch in batches do
                                let cell = cell name CostMode.Training batch

                                for time in Option.toList (timed cell) do
                                    cell.Work.Intensity, [ time.MultiplyAddsPerSecond / 1e9 ]
                        ]
                    line "roof, cache" (roof cache)
                    line "roof, memory" (roof memory)
                ]
            }
        ]
        Columns = 1
        Panel = 420, 290
    }
    (Report.figure "cost")

/// Speed by sequences in a batch and steps of each.
let speeds (name: string) (what: string) (mode: CostMode) : Report.Table = {
    Name = name
    Caption =
        $"10³ steps/s, {what}, by sequences in a batch x steps of each. Left out: what would have taken {seconds} seconds to measure, or a quarter of the machine's memory."
    Headings = [
        "model"
        for batch in batches do
            for length in lengths do
                $"{batch} x {length}"
    ]
    Rows = [
        for model in probed ->
            [
                model
                for batch in batches do
                    for length in lengths do
                        speed (cellOver length model mode batch)
            ]
    ]
}

let first, most = List.head batches, List.last batches
let shortest, longest = List.head lengths, List.last lengths
let lstm batch = cell "lstm" CostMode.Training batch

/// Whether bandwidth, not arithmetic, is what the roofline lets a cell have less than half of the peak for.
let isStarved (cell: CostCell) : bool = cell.Work.Attainable(peak, cache) < peak / 2.0

// Attention in batches that are large may be left out: it would look at too many pairs of steps.
let unlike =
    batches
    |> List.map (fun batch -> batch, cell "attention" CostMode.Training batch)
    |> List.filter (fun (_, cell) -> (timed cell).IsSome)
    |> List.tryLast
    |> Option.map (fun (batch, cell) -> $", attention reaches {ofPeak cell} at batch {batch}")
    |> Option.defaultValue ""

Report.publish {
    Name = "cost"
    Numbers = [
        "peak", short (peak / 1e9)
        "cache", short (cache / 1e9)
        "memory", short (memory / 1e9)
        "balance-cache", short (peak / cache)
        "balance-memory", short (peak / memory)
        "length", string length
        "first", string first
        "most", string most
        "shortest", string shortest
        "longest", string longest
        for name in probed do
            for place, batch in [ "first", first; "most", most ] do
                let training = cell name CostMode.Training batch
                $"intensity-{name}-{place}", short training.Work.Intensity
                $"of-peak-{name}-{place}", ofPeak training

            for place, length in [ "shortest", shortest; "longest", longest ] do
                $"speed-{name}-{place}", speed (cellOver length name CostMode.Training first)
    ]
    Figures = [
        {
            Name = "cost"
            Caption = "Arithmetic done against arithmetic intensity, under the roofline of the machine."
        }
    ]
    Tables = [
        {
            Name = "cost"
            Caption = $"What a step costs, in sequences of {length}: arithmetic, traffic and measured speed."
            Headings = [
                "model"
                "engine"
                "10³ multiply-adds a step"
                "a byte, batch 1"
                $"a byte, batch {most}"
                for batch in batches do
                    $"10³ steps/s, batch {batch}"
                "of the peak, batch 1"
                $"of the peak, batch {most}"
                "10³ steps/s, streaming"
            ]
            Rows = [
                for name in probed ->
                    let training batch = cell name CostMode.Training batch
                    let work = (training first).Work
                    let _, report = reports |> List.find (fst >> (=) name)

                    [
                        name
                        (if report.Models[0].Fused then "fused" else "reference")
                        thousands (work.MultiplyAdds / work.Steps / 3.0)
                        short work.Intensity
                        short (training most).Work.Intensity
                        for batch in batches do
                            speed (training batch)
                        ofPeak (training first)
                        ofPeak (training most)
                        speed (cell name CostMode.Streaming first)
                    ]
            ]
        }
        speeds "cost-training" "training" CostMode.Training
        speeds "cost-streaming" "streaming" CostMode.Streaming
    ]
    Claims = [
        {
            Place = 60
            Claim =
                "Recurrent cells suit hardware badly: four linear layers a cell, starved of memory bandwidth."
            Verdict =
                match isStarved (lstm first), isStarved (lstm most) with
                | true, true -> Report.Verdict.Holds
                | false, false -> Report.Verdict.Refuted
                | _ -> Report.Verdict.HoldsInPart
            Evidence =
                let one, many = lstm first, lstm most

                $"an LSTM does {short one.Work.Intensity} multiply-adds a byte at batch {first} and {short many.Work.Intensity} at batch {most}, where {short (peak / cache)} keep a core of this machine busy from its cache; it reaches {ofPeak one} and {ofPeak many} of the peak{unlike}"
        }
    ]
}

// The models that the memory-length study compares, each by the one number that decides its size, so that all can have about as
// many parameters. A model of your own takes part with one line in `models`.
#load "prelude.fsx"

open NtmLab
open NtmLab.Models
open NtmLab.Native
open NtmLab.Tasks

// Models are built to see how large they are, before any is trained.
LibTorch.Load()

/// The longest lag that any of them is asked for.
let farthest = 30_000

/// How far a model is followed: attention looks at every pair of steps.
type Reach = { Trained: int; Scored: int }

let everywhere = { Trained = 30_000; Scored = 30_000 }

/// Every model by the number that decides its size, the candidates for it, and how far it is followed.
let models: (string * (int -> int -> ModelOptions) * int list * Reach) list = [
    "rnn",
    (fun _ units -> RnnOptions(Units = units, HiddenStart = HiddenStart.Orthogonal)),
    [ 8..300 ],
    everywhere
    "gru", (fun _ units -> GruOptions(Units = units)), [ 8..200 ], everywhere
    "lstm", (fun _ units -> LstmOptions(Units = units)), [ 8..200 ], everywhere
    "lstm-chrono",
    (fun lag units -> LstmOptions(Units = units, ChronoLag = max 3 lag)),
    [ 8..200 ],
    everywhere
    "tcn",
    (fun lag channels -> TcnOptions(Channels = channels, Kernel = 8, Lag = lag + 1)),
    [ 4..100 ],
    everywhere
    "attention",
    (fun _ width -> AttentionOptions(Width = width, Heads = 4, Layers = 2, Context = farthest + 32)),
    [ 8..8..200 ],
    { Trained = 10_000; Scored = 10_000 }
    "hierarchical-attention",
    (fun _ width -> HierarchicalAttentionOptions(Width = width, Window = 12, Overlap = 1)),
    [ 8..4..200 ],
    everywhere
    "ntm",
    (fun _ units -> NtmOptions(Controller = lstm units, Slots = 32, Width = 20)),
    [ 8..200 ],
    everywhere
    "sparse",
    (fun _ units -> SparseOptions(Controller = lstm units, Slots = 32, Width = 20, InitialKeyStrength = 5.0)),
    [ 8..200 ],
    everywhere
    "deltanet", (fun _ width -> DeltaNetOptions(Width = width)), [ 8..4..200 ], everywhere
    "ssm", (fun _ width -> SsmOptions(Width = width)), [ 8..200 ], everywhere
    "dnc",
    (fun _ units -> DncOptions(Controller = lstm units, Slots = 16, Width = 16, ReadHeads = 1)),
    [ 8..200 ],
    everywhere
]

/// Numbers for a key, all of them.
let listed (numbers: int list) : string = numbers |> List.map string |> String.concat ", "

let names = [ for name, _, _, _ in models -> name ]

let private find (name: string) = models |> List.find (fun (model, _, _, _) -> model = name)

let followed (name: string) : Reach =
    let _, _, _, reach = find name
    reach

/// A model made for lags up to one, at the greatest size with no more parameters than so many.
let sized (parameters: int64) (task: SequenceTask) (lag: int) (name: string) : ModelOptions =
    let _, make, sizes, _ = find name

    let fits size =
        use model = (make lag size).Build(task, RandomStream(1UL, "size"))
        model.ParameterCount <= parameters

    let rec search (low: int) (high: int) =
        if high - low <= 1 then
            low
        else
            let middle = (low + high) / 2

            if fits sizes[middle] then
                search middle high
            else
                search low middle

    make lag sizes[search 0 sizes.Length]

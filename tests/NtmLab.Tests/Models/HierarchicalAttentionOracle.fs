/// Hierarchical attention once more, step by step over plain numbers, each with the list of what it sees.
module NtmLab.Tests.Models.HierarchicalAttentionOracle

open System.Collections.Generic
open NtmLab.Models
open NtmLab.Tests
open TorchSharp

/// What one step sees at one level: numbers of blocks one level below, those of steps at level 1.
type Seen = { Before: int list; Own: int list }

/// The levels that take part in a step.
let levelsAt (options: HierarchicalAttentionOptions) (t: int) : int list =
    let added =
        Seq.initInfinite (fun index -> options.Levels + 1 + index)
        |> Seq.takeWhile (fun level -> t >= pown options.Window (level - 1))

    [ 1 .. options.Levels ] @ List.ofSeq added

/// Goes through all blocks so far and asks of each whether it is in the same block above, and complete.
let seenAt (options: HierarchicalAttentionOptions) (level: int) (t: int) : Seen =
    let size = pown options.Window (level - 1)
    let above step = step / (size * options.Window)

    let isComplete block =
        if level = 1 then
            block <= t
        else
            (block + 1) * size <= t - t % size

    let all = [ 0 .. t / size ]

    {
        Before =
            [
                for block in all do
                    if above (block * size) = above t - 1 then
                        block
            ]
            |> fun before -> List.skip (max 0 (before.Length - options.Overlap)) before
        Own = [
            for block in all do
                if above (block * size) = above t && isComplete block then
                    block
        ]
    }

let private dot (a: float[]) (b: float[]) : float = Array.fold2 (fun sum x y -> sum + x * y) 0.0 a b

let private add: float[] -> float[] -> float[] = Array.map2 (+)

let private weightedSum (weights: float[]) (vectors: float[][]) : float[] =
    Array.map2 (fun weight -> Array.map (fun value -> weight * value)) weights vectors
    |> Array.reduce add

let private softmax (scores: float[]) : float[] =
    let powers = scores |> Array.map (fun score -> exp (score - Array.max scores))
    powers |> Array.map (fun power -> power / Array.sum powers)

let private gelu (x: float[]) : float[] =
    use scope = torch.NewDisposeScope()
    Tensors.values (torch.nn.functional.gelu (torch.tensor x))

/// The logits of one sequence, `[time][out]`, from the parameters of a model of these options.
let logits (options: HierarchicalAttentionOptions) (model: SequenceModel) (inputs: float[][]) : float[][] =
    let parameters = Dictionary<string, float[]>()

    for struct (name, parameter) in model.named_parameters () do
        parameters[name] <- Tensors.values parameter

    let matrix name (columns: int) = parameters[name] |> Array.chunkBySize columns

    let linear name (x: float[]) =
        let product = matrix $"{name}.weight" x.Length |> Array.map (dot x)

        match parameters.TryGetValue $"{name}.bias" with
        | true, bias -> add product bias
        | _ -> product

    let norm name (x: float[]) =
        let mean = Array.average x
        let variance = x |> Array.averageBy (fun value -> (value - mean) ** 2.0)
        let normal = x |> Array.map (fun value -> (value - mean) / sqrt (variance + 1e-5))
        add (Array.map2 (*) normal parameters[$"{name}.scale"]) parameters[$"{name}.shift"]

    let feedForward name (x: float[]) =
        add x (x |> norm $"{name}.norm" |> linear $"{name}.up" |> gelu |> linear $"{name}.down")

    let encodings = inputs |> Array.map (linear "input" >> feedForward "encoder")
    let summaries = parameters.Keys |> Seq.filter _.EndsWith("queries") |> Seq.length
    let known = Dictionary<struct (int * int), float[]>()

    let rec child level number =
        if level = 1 then
            encodings[number]
        else
            match known.TryGetValue(struct (level, number)) with
            | true, summary -> summary
            | _ ->
                let summary = summarise (level - 1) number
                known[struct (level, number)] <- summary
                summary

    and summarise level number =
        let name = $"summary_{min level summaries}"
        let positions = matrix $"{name}.positions" options.Width

        let seen = [|
            for place in 0 .. options.Window - 1 ->
                add (norm $"{name}.norm" (child level (number * options.Window + place))) positions[place]
        |]

        [|
            for query in matrix $"{name}.queries" options.Width ->
                weightedSum (softmax (seen |> Array.map (dot query))) seen
        |]
        |> Array.concat
        |> linear $"{name}.pool"
        |> feedForward $"{name}.feed_forward"

    let read (h: float[]) level t =
        let name = $"reading_{min level options.Levels}"
        let positions = matrix $"{name}.positions" options.Width
        let seen = seenAt options level t

        let normal number =
            add (norm $"{name}.child_norm" (child level number)) positions[number % options.Window]

        let vectors = [|
            for number in seen.Before -> add (normal number) positions[options.Window]
            for number in seen.Own -> normal number
        |]

        let place = t / pown options.Window (level - 1) % options.Window
        let perHead: float[] -> float[][] = Array.chunkBySize (options.Width / options.Heads)

        let query =
            add (norm $"{name}.query_norm" h) positions[place]
            |> linear $"{name}.query"
            |> perHead

        let slots projection =
            Array.append
                [| parameters[$"{name}.nothing_{projection}"] |]
                (vectors |> Array.map (linear $"{name}.{projection}"))
            |> Array.map perHead

        let keys, values = slots "key", slots "value"

        let attention = [|
            for head in 0 .. options.Heads - 1 ->
                let score (key: float[][]) =
                    dot query[head] key[head] / sqrt (float options.Width / float options.Heads)

                weightedSum (softmax (Array.map score keys)) (values |> Array.map (fun value -> value[head]))
        |]

        add h (linear $"{name}.output" (Array.concat attention))
        |> feedForward $"{name}.feed_forward"

    [|
        for t in 0 .. inputs.Length - 1 ->
            levelsAt options t
            |> List.fold (fun h level -> read h level t) encodings[t]
            |> norm "norm"
            |> linear "output"
    |]

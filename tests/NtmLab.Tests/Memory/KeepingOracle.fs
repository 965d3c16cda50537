/// Policies that decide what is worth a slot, as plain loops over doubles, one sequence at a time: written from what each is said
/// to do, and from nothing in src.
module NtmLab.Tests.Memory.KeepingOracle

let private logistic (x: float) : float = 1.0 / (1.0 + exp -x)

let private softplus (x: float) : float = log (1.0 + exp x)

/// What a slot holds: how strongly, and the mean of how many vectors.
type Slot = { Vector: float[]; Strength: float; Count: float }

/// A memory and all that is carried beside it.
type State = {
    Slots: Map<int, Slot>
    Saves: int
    Price: float
    /// The prediction of the next input, the mean error of predictions so far, and the steps so far.
    Prediction: float[]
    MeanError: float
    Steps: int
}

/// Nothing saved, and zeros predicted.
let start (inputWidth: int) : State = {
    Slots = Map.empty
    Saves = 0
    Price = 0.0
    Prediction = Array.zeroCreate inputWidth
    MeanError = 0.0
    Steps = 0
}

/// What is offered in a step: the vector, the model's input, what else the controller says, and the slot that was drawn for it.
type Offer = { Vector: float[]; Input: float[]; More: float[]; Drawn: int option }

let private save (capacity: int) (strength: float) (vector: float[]) (state: State) : State = {
    state with
        Slots =
            state.Slots
            |> Map.add (state.Saves % capacity) { Vector = vector; Strength = strength; Count = 1.0 }
        Saves = state.Saves + 1
}

let private mostSimilar (offer: Offer) (state: State) : (int * float) option =
    if state.Slots.IsEmpty then
        None
    else
        state.Slots
        |> Map.toList
        |> List.map (fun (index, slot) -> index, AddressingOracle.cosine offer.Vector slot.Vector)
        |> List.maxBy snd
        |> Some

/// A ring of the last vectors.
let fifo (capacity: int) (offer: Offer) (state: State) : State = save capacity 1.0 offer.Vector state

/// The first vectors in turn; then each one in the slot that was drawn for it, if one was.
let reservoir (capacity: int) (offer: Offer) (state: State) : State =
    let slot =
        if state.Steps < capacity then
            Some state.Steps
        else
            offer.Drawn

    let held = { Vector = offer.Vector; Strength = 1.0; Count = 1.0 }

    {
        state with
            Slots = slot |> Option.fold (fun slots slot -> Map.add slot held slots) state.Slots
            Steps = state.Steps + 1
    }

/// Every vector in a slot of its own.
let keepAll (offer: Offer) (state: State) : State = save System.Int32.MaxValue 1.0 offer.Vector state

/// What is unlike all that is stored; the rest becomes part of the mean of what it is most like, or is dropped.
let keepNovel (capacity: int) (threshold: float) (merges: bool) (offer: Offer) (state: State) : State =
    match mostSimilar offer state with
    | Some(nearest, similarity) when similarity > threshold ->
        if merges then
            let slot = state.Slots[nearest]

            let mean =
                Array.map2 (fun m a -> (m * slot.Count + a) / (slot.Count + 1.0)) slot.Vector offer.Vector

            let merged = { slot with Vector = mean; Count = slot.Count + 1.0 }

            { state with Slots = Map.add nearest merged state.Slots }
        else
            state
    | _ -> save capacity 1.0 offer.Vector state

/// What a gate lets in, that hears two numbers and the greatest similarity.
let gated
    (capacity: int)
    (threshold: float)
    (price: float)
    (budget: int)
    (offer: Offer)
    (state: State)
    : State =
    let similarity = mostSimilar offer state |> Option.map snd |> Option.defaultValue 0.0
    let gate = logistic (offer.More[0] + offer.More[1] * similarity)

    let charged = { state with Price = state.Price + price * gate }

    if gate >= threshold && state.Saves < budget then
        save capacity gate offer.Vector charged
    else
        charged

/// What was predicted badly.
let surprise
    (capacity: int)
    (threshold: float)
    (sharpness: float)
    (weight: float)
    (offer: Offer)
    (state: State)
    : State =
    let error =
        Array.map2 (fun x p -> (x - p) ** 2.0) offer.Input state.Prediction
        |> Array.average
        |> (+) 1e-6

    let steps = state.Steps + 1

    let mean = (state.MeanError * float state.Steps + error) / float steps

    let strength = logistic (sharpness * (error / mean - threshold))

    let known = {
        state with
            Price = state.Price + weight * error
            MeanError = mean
            Steps = steps
            Prediction = offer.More
    }

    if strength >= 0.5 then
        save capacity strength offer.Vector known
    else
        known

/// How much of each slot is read with a key, whose strength is given as the controller says it.
let read (key: float[]) (keyStrength: float) (state: State) : Map<int, float> =
    let raw =
        state.Slots
        |> Map.map (fun _ slot ->
            slot.Strength
            * exp (softplus keyStrength * AddressingOracle.cosine key slot.Vector))

    let sum = raw |> Map.toList |> List.sumBy snd
    raw |> Map.map (fun index value -> state.Slots[index].Strength * value / sum)

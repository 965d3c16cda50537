/// The policies that decide what is worth a slot, as plain loops over doubles, one sequence at a time: written from what
/// the policies promise, and from nothing else in src.
module NtmLab.Tests.Memory.KeepingOracle

let private logistic (x: float) : float = 1.0 / (1.0 + exp -x)

let private softplus (x: float) : float = log (1.0 + exp -(abs x)) + max x 0.0

/// What one sequence's step shows and says, before any function brings it into its range.
type Said = {
    /// What the model is given.
    Input: float[]
    Keys: float[][]
    KeyStrengths: float[]
    Offer: float[]
    /// What a policy wants beside these.
    More: float[]
}

/// What one sequence's memory holds.
type Held = {
    Memory: float[][]
    /// How strongly each slot is held.
    Strength: float[]
    /// How many vectors were saved so far.
    Saves: int
    /// How much of the last vector went to each slot.
    Place: float[]
    /// What was paid so far.
    Price: float
}

/// Nothing is saved.
let start (memory: float[][]) : Held = {
    Memory = memory
    Strength = Array.zeroCreate memory.Length
    Saves = 0
    Place = Array.zeroCreate memory.Length
    Price = 0.0
}

let private vector (said: Said) : float[] = Array.map tanh said.Offer

/// Drops the vector.
let private drop (held: Held) : Held = { held with Place = Array.map (fun _ -> 0.0) held.Place }

/// Puts the vector in the place of what a slot holds.
let private put (slot: int) (strength: float) (said: Said) (held: Held) : Held = {
    held with
        Memory = Array.updateAt slot (vector said) held.Memory
        Strength = Array.updateAt slot strength held.Strength
        Saves = held.Saves + 1
        Place = Array.updateAt slot 1.0 (drop held).Place
}

/// Puts the vector in the slot after the last one taken, or drops it if its strength is 0.
let private putInTurn (strength: float) (said: Said) (held: Held) : Held =
    if strength > 0.0 then
        put (held.Saves % held.Memory.Length) strength said held
    else
        drop held

/// A ring of the last vectors.
let fifo (said: Said) (held: Held) : Held = putInTurn 1.0 said held

/// A new slot for each vector.
let keepAll (said: Said) (held: Held) : Held =
    let longer (values: 'a[]) (last: 'a) = Array.append values [| last |]

    put held.Memory.Length 1.0 said {
        held with
            Memory = longer held.Memory [||]
            Strength = longer held.Strength 0.0
            Place = longer held.Place 0.0
    }

/// The first vectors in order; later ones in the slot that was drawn, if one was.
let reservoir (offers: int) (drawn: int option) (said: Said) (held: Held) : Held =
    if offers < held.Memory.Length then
        put offers 1.0 said held
    else
        match drawn with
        | Some slot -> put slot 1.0 said held
        | None -> drop held

/// What is unlike all that is held; of the rest the mean, if it is merged. Counts the vectors in each slot.
let keepNovel (threshold: float) (merges: bool) (said: Said) (counts: int[], held: Held) : int[] * Held =
    let offer = vector said

    let known = [
        for slot in 0 .. held.Memory.Length - 1 do
            if held.Strength[slot] > 0.0 then
                slot, AddressingOracle.cosine offer held.Memory[slot]
    ]

    if known |> List.forall (fun (_, similarity) -> similarity <= threshold) then
        Array.updateAt (held.Saves % held.Memory.Length) 1 counts, putInTurn 1.0 said held
    elif not merges then
        counts, drop held
    else
        let slot, _ = List.maxBy snd known
        let count = counts[slot] + 1
        let share = 1.0 / float count
        let mean = Array.map2 (fun m a -> m + share * (a - m)) held.Memory[slot] offer

        Array.updateAt slot count counts,
        {
            held with
                Memory = Array.updateAt slot mean held.Memory
                Place = Array.updateAt slot share (drop held).Place
        }

/// The last prediction, and the errors of all so far.
type Expectation = { Prediction: float[]; Errors: float list }

/// What was predicted badly.
let surprise
    (threshold: float)
    (sharpness: float)
    (weight: float)
    (said: Said)
    (expectation: Expectation, held: Held)
    : Expectation * Held =
    let error =
        Array.map2 (fun x p -> (x - p) ** 2.0) said.Input expectation.Prediction
        |> Array.average

    let errors = error + 1e-6 :: expectation.Errors
    let strength = logistic (sharpness * (errors.Head / List.average errors - threshold))
    let paid = { held with Price = held.Price + weight * errors.Head }

    { Prediction = said.More; Errors = errors },
    putInTurn (if strength >= 0.5 then strength else 0.0) said paid

/// What a gate lets in, up to a number of vectors.
let gated (budget: int) (threshold: float) (price: float) (said: Said) (held: Held) : Held =
    let gate = logistic (Array.exactlyOne said.More)
    let opens = gate >= threshold && held.Saves < budget
    let paid = { held with Price = held.Price + price * gate }
    putInTurn (if opens then gate else 0.0) said paid

/// The weighting of each read head: its softmax over what is held, times the strength of each slot.
let readWeightings (said: Said) (held: Held) : float[][] =
    Array.map2
        (fun key keyStrength ->
            let score =
                Array.map2
                    (fun slot strength ->
                        if strength > 0.0 then
                            exp (softplus keyStrength * AddressingOracle.cosine (Array.map tanh key) slot)
                        else
                            0.0)
                    held.Memory
                    held.Strength

            let all = Array.sum score

            Array.map2
                (fun score strength -> if score > 0.0 then strength * score / all else 0.0)
                score
                held.Strength)
        said.Keys
        said.KeyStrengths

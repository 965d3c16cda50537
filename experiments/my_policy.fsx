// A memory policy of your own: a vector is written over the slot most like it; a blank slot counts as a likeness of 0.9.
#load "prelude.fsx"

open NtmLab
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Training
open TorchSharp

let overwriteNearest = {
    new PolicyRule() with
        member _.Name = "overwrite-nearest"
        member _.Start memory = NamedState [ struct ("strength", torch.zeros_like (memory.select (2L, 0L))) ]

        member _.Interface(layout, width, readHeads) =
            layout.Add("key", readHeads, width).Add("vector", 1, width) |> ignore

        member _.Write(memory, values, state) =
            let vector, used = values["vector"].tanh(), state["strength"].unsqueeze 1L
            let blank = (torch.ones_like used - used) * torch.tensor (0.9, memory.dtype)
            let place = Addressing.Greatest(used * Addressing.CosineSimilarity(vector, memory) + blank)
            let state = state.Set("strength", torch.maximum(used, place).squeeze 1L)
            struct (WriteDecision(place, torch.ones_like vector, vector), state)

        member _.Read(memory, values, state) =
            let key, keyStrength = values["key"].tanh(), torch.tensor (8.0, memory.dtype)
            struct (ReadDecision(Addressing.ContentAmong(key, keyStrength, memory, state["strength"])), state)
}

Policy.require overwriteNearest

experiment "my-policy" {
    summary "A memory policy that the script defines itself: write over what is most alike."
    task (RedundantNeedleTask(Facts = 4, MaxRepeats = 4))
    model (ScriptMemoryOptions(Rule = overwriteNearest, Controller = feedForward 64, Slots = 8, Width = 32))
    training (TrainingOptions(Sequences = 60_000L, Batch = 32, Optimiser = AdamOptions(LearningRate = 2e-3)))
}
|> Experiment.run

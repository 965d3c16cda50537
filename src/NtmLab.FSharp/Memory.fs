namespace NtmLab

open NtmLab.Configuration
open NtmLab.Models

/// Holds the module `Memory`: the namespace has another part of that name, the policies.
[<AutoOpen>]
module MemoryLanguage =

    /// What a model's memory holds, kept in a file from one sequence to others: a script may show facts in one sequence, save the
    /// memory, and ask in another, in the same process or a later one.
    ///
    /// ```
    /// let struct (_, state) = model.Run(facts, model.InitialState 1L)
    /// Memory.save "facts.memory" 20 model state
    /// Memory.load "facts.memory" model
    /// let answers = model.Forward questions
    /// ```
    [<RequireQualifiedAccess>]
    module Memory =

        /// The memory model that a model is, or that it gives its tokens to.
        /// <exception cref="T:NtmLab.ConfigurationException">It has none.</exception>
        let ofModel (model: SequenceModel) : MemoryModel =
            match MemoryModel.Of model with
            | null ->
                let kind =
                    match model with
                    | :? TokenModel as tokens -> tokens.Inner.GetName()
                    | model -> model.GetName()

                let known = Catalog.Policies |> Seq.map _.Name |> String.concat ", "

                raise (
                    ConfigurationException
                        $"model '{kind}' has no memory that outlives a sequence; models of these policies have one: {known}."
                )
            | memory -> memory

        /// Saves what the memory holds in a state, of the first sequence of its batch; the length of the sequence is noted with it.
        /// <exception cref="T:NtmLab.RunException">The file cannot be written; an older one is intact.</exception>
        let save (path: string) (length: int) (model: SequenceModel) (state: ModelState) : unit =
            MemoryFile.Save(path, ofModel model, MemoryModel.Contents state, "", length)

        /// From now on every sequence of a model starts from what a file holds: memory, policy state and last reads, so that it goes
        /// on where the file's sequence ended; the controller starts as always.
        /// <exception cref="T:NtmLab.CheckpointException">The file is missing, truncated, foreign, or does not fit.</exception>
        let load (path: string) (model: SequenceModel) : unit =
            let memory = ofModel model
            use _scope = TorchSharp.torch.NewDisposeScope()
            memory.StartFrom <- MemoryFile.Load(path, memory)

        /// The same, with the model's own first reads: each sequence begins as one of its own, and finds the memory filled.
        /// <exception cref="T:NtmLab.CheckpointException">The file is missing, truncated, foreign, or does not fit.</exception>
        let loadAtStart (path: string) (model: SequenceModel) : unit =
            let memory = ofModel model
            use _scope = TorchSharp.torch.NewDisposeScope()
            memory.StartFrom <- MemoryFile.Load(path, memory).WithoutReads()

        /// From now on every sequence of a model starts from a blank memory again.
        let forget (model: SequenceModel) : unit = (ofModel model).StartFrom <- null

module NtmLab.Tests.Models.TrafficTests

open Expecto
open NtmLab
open NtmLab.Models
open NtmLab.Tests.Models.HierarchicalAttentionOracle
open NtmLab.Tests.Samples

let private build (options: ModelOptions) : SequenceModel =
    options.Build(inputWidth, outputWidth, RandomStream(1UL, "model"))

/// What every model must move beside its state: trained values, its input, and results in and out.
let private around (model: SequenceModel) (results: int) (steps: int) : int64 * int64 =
    int64 steps * model.ParameterCount, int64 (steps * (inputWidth + 2 * results))

let private expect (model: SequenceModel) (results: int) (state: int -> int) (steps: int) : unit =
    let weights, activations = around model results steps
    let state = Seq.sum (seq { for t in 0 .. steps - 1 -> int64 (state t) })
    Expect.equal (model.StepTraffic steps) (Traffic(weights, state, activations)) $"{steps} steps"

let private lengths = [ 0; 1; 2; 3; 7; 20 ]

let private recurrent =
    testList "recurrent" [
        test "an LSTM moves the bytes that one counts by hand" {
            use model = build (LstmOptions(Units = 5))
            // Weights of four gates, their biases, first hidden state and cell; output weights and biases.
            let trained = 4 * 5 * (inputWidth + 5) + 4 * 5 + 2 * 5 + outputWidth * 5 + outputWidth
            // Hidden state and cell in and out; the input; gates and logits written and read.
            let each = 2 * (5 + 5) + inputWidth + 2 * (4 * 5 + outputWidth)

            for batch in [ 1; 16 ] do
                let bytes = 7 * 4 * (trained + batch * each)
                Expect.equal ((model.StepTraffic 7L).Bytes batch) (int64 bytes) $"batch {batch}"

            Expect.equal (model.ForwardTraffic 7L) (model.StepTraffic 7L) "one step waits for the other"
        }

        test "a Neural Turing Machine moves its memory in and out" {
            use model = build (NtmOptions(Controller = lstm 5 1, Slots = 7, Width = 3))
            // Controller, reads, memory, and the weightings of a read and a write head.
            let state = 2 * 5 + 3 + 7 * 3 + 2 * 7
            let interfaceSize = 2 * (3 + 1 + 1 + 3 + 1) + 2 * 3
            List.iter (expect model (4 * 5 + interfaceSize + outputWidth) (fun _ -> 2 * state)) lengths
        }

        test "a sparse memory writes what it touches, however many slots there are" {
            let state (slots: int) =
                use model =
                    build (SparseOptions(Controller = lstm 5 1, Slots = slots, Width = 3, Nearest = 2))

                (model.StepTraffic 1L).State

            // A slot more is read: its content, its usage and its weighting.
            Expect.equal (state 101 - state 100) 5L "many slots"
        }

        test "a memory that grows moves the slots that there are" {
            use model = build (KeepAllOptions(Controller = feedForward 4, Width = 2))
            // First read and a counter; of each slot its content and its strength.
            let state slots = 2 + 1 + slots * (2 + 1)
            let interfaceSize = 2 + 1 + 2

            List.iter
                (expect model (4 + interfaceSize + outputWidth) (fun t -> state t + state (t + 1)))
                lengths
        }
    ]

let private atOnce =
    testList "at once" [
        test "attention moves the keys and values that a step sees, and its own" {
            use model = build (AttentionOptions(Width = 6, Heads = 3, Layers = 2, Hidden = 5, Context = 4))
            // Queries, keys, values, output, and two layers of the network; input and output of the model.
            let results = 2 * (4 * 6 + 5 + 6) + 6 + outputWidth
            let state t = 2 * 2 * 6 * (min (t + 1) 4) + 2
            List.iter (expect model results state) lengths
            let whole = model.ForwardTraffic 20L
            Expect.equal (whole.Weights, whole.State) (model.ParameterCount, 0L) "weights once, and no state"

            Expect.equal
                whole.Activations
                (model.StepTraffic 20L).Activations
                "inputs and results of all steps"
        }

        test "of learned positions a step reads its own" {
            use model =
                build (AttentionOptions(Width = 6, Heads = 3, Context = 4, Positions = Positions.Learned))

            Expect.equal
                (model.StepTraffic 3L).Weights
                (3L * (model.ParameterCount - 3L * 6L))
                "all others stay"
        }

        test "context attention moves keys and encodings" {
            use model = build (ContextAttentionOptions(Width = 6, Hidden = 5, Context = 4))
            List.iter (expect model (3 * 6 + 5 + outputWidth) (fun t -> 2 * 6 * min (t + 1) 4 + 2)) lengths
        }

        test "a convolution moves what its kernel sees, not all that it keeps" {
            use model = build (TcnOptions(Channels = 7, Kernel = 3, Blocks = 2))
            // Two convolutions a block, and the first block's way past them; two past steps in, one out.
            let results = 4 * 7 + 7 + outputWidth
            List.iter (expect model results (fun _ -> 3 * (inputWidth + 3 * 7))) lengths
        }

        test "hierarchical attention moves what it sees and completes" {
            for overlap in [ 0; 2 ] do
                let options =
                    HierarchicalAttentionOptions(
                        Window = 3,
                        Levels = 2,
                        Overlap = overlap,
                        Heads = 2,
                        Width = 4,
                        Hidden = 5,
                        Beyond = BeyondReach.Error
                    )

                use model = build options

                let step t = [
                    // Input, encoder and output; the state is the second number.
                    4 + 5 + 4 + outputWidth, 0

                    for level in levelsAt options t do
                        let seen = seenAt options level t
                        let own = if level = 1 then seen.Own.Length - 1 else seen.Own.Length
                        4 + 4 + 5 + 4, 2 * 4 * (seen.Before.Length + own)

                    for level in 1..2 do
                        if (t + 1) % pown 3 (level - 1) = 0 then
                            2 * 4, 4 * (if level = 1 then 3 else 2)

                    if (t + 1) % 3 = 0 then
                        4 + 5 + 4, 4 * (3 + 4 * overlap)
                ]

                for steps in [ 0; 1; 3; 4; 9 ] do
                    let parts = List.collect step [ 0 .. steps - 1 ]
                    let results, state = List.sumBy fst parts, List.sumBy snd parts

                    Expect.equal
                        (model.StepTraffic steps)
                        (Traffic(
                            int64 steps * model.ParameterCount,
                            int64 state,
                            int64 (steps * inputWidth + 2 * results)
                        ))
                        $"overlap {overlap}, {steps} steps"
        }
    ]

let tests = testList "Traffic" [ recurrent; atOnce ]

module NtmLab.Tests.Probes.CostProbeTests

open Expecto
open NtmLab
open NtmLab.Kernels
open NtmLab.Models
open NtmLab.Probes
open NtmLab.Tests
open TorchSharp

/// Little time for each cell, and yet enough on a busy machine.
let private quick = CostOptions(Batches = [| 1; 2 |], Lengths = [| 12 |], Seconds = 2.0)

let private near (actual: float) (expected: float) (what: string) : unit =
    Expect.floatClose Accuracy.high actual expected what

let private arithmetic =
    testList "arithmetic" [
        test "the roof is the bandwidth's below the ridge, and the peak above it" {
            let machine = Roofline(100.0, 50.0, 10.0)
            let low = CostProbe.RoofOf(CostWork(1, 1, 6.0, 4.0), 5.0, machine)
            near low.FromCache 75.0 "1.5 multiply-adds a byte, 50 bytes a second"
            near low.FromMemory 15.0 "10 bytes a second"
            near low.OfCache.Value (5.0 / 75.0) "reached"
            near low.OfMemory.Value (5.0 / 15.0) "reached"
            let high = CostProbe.RoofOf(CostWork(1, 1, 60.0, 4.0), System.Nullable(), machine)
            near high.FromCache 100.0 "the peak"
            Expect.isFalse high.OfCache.HasValue "nothing was measured"
        }

        test "an LSTM streams what one counts by hand, and trains three times that" {
            use scope = torch.NewDisposeScope()
            use model = LstmOptions(Units = 5).Build(3, 2, RandomStream(1UL, "model"))
            let multiplyAdds = 16 * 9 * (4 * 5 * (3 + 5) + 2 * 5)
            let bytes = 9L * 4L * (model.ParameterCount + 16L * int64 (2 * 10 + 3 + 2 * 22))
            let streaming = CostProbe.WorkOf(model, CostMode.Streaming, 16, 9)
            near streaming.MultiplyAdds (float multiplyAdds) "multiply-adds"
            near streaming.Bytes (float bytes) "bytes"
            near streaming.Intensity (float multiplyAdds / float bytes) "their ratio"
            let training = CostProbe.WorkOf(model, CostMode.Training, 16, 9)
            near training.MultiplyAdds (3.0 * float multiplyAdds) "multiply-adds"
            near training.Bytes (3.0 * float bytes) "bytes"
        }

        test "what computes all steps at once does more for each byte, and a larger batch too" {
            use scope = torch.NewDisposeScope()

            let intensity (options: ModelOptions) mode batch =
                use model = options.Build(3, 2, RandomStream(1UL, "model"))
                CostProbe.WorkOf(model, mode, batch, 100).Intensity

            let tcn, lstm = TcnOptions(), LstmOptions()

            Expect.isGreaterThan
                (intensity tcn CostMode.Training 1)
                (10.0 * intensity tcn CostMode.Streaming 1)
                "weights are read once"

            near (intensity lstm CostMode.Training 1) (intensity lstm CostMode.Streaming 1) "step by step"

            Expect.isGreaterThan
                (intensity lstm CostMode.Training 16)
                (8.0 * intensity lstm CostMode.Training 1)
                "batch"
        }
    ]

let private measured =
    testList "measured" [
        test "every model, way, batch and length has a cell with its time" {
            let report = CostProbe.Measure([| "gru"; "attention"; "keep-all" |], quick)
            Expect.isGreaterThan report.Roofline.MultiplyAddsPerSecond 0.0 "the roofline of the same run"

            Expect.equal
                [ for cost in report.Models -> cost.Fused ]
                [ true; false; false ]
                "as a run would choose"

            for cost in report.Models do
                Expect.equal
                    [ for cell in cost.Cells -> cell.Mode, cell.Work.Batch, cell.Work.Length ]
                    [
                        CostMode.Training, 1, 12
                        CostMode.Training, 2, 12
                        CostMode.Streaming, 1, 12
                        CostMode.Streaming, 2, 12
                    ]
                    cost.Model

                for cell in cost.Cells do
                    let time = nonNull cell.Time
                    Expect.isNull cell.LeftOut "nothing is left out"
                    Expect.isGreaterThanOrEqual time.Repeats 3 "a median"
                    near time.StepsPerSecond (cell.Work.Steps / time.Seconds) "steps a second"

                    near
                        time.MultiplyAddsPerSecond
                        (cell.Work.MultiplyAdds / time.Seconds)
                        "multiply-adds a second"

                    near
                        cell.Roof.OfCache.Value
                        (time.MultiplyAddsPerSecond / cell.Roof.FromCache)
                        "of the roof"
        }

        test "a cell that takes too long or holds too much is left out, and says so" {
            let left (options: CostOptions) =
                let cells = CostProbe.Measure([| "attention" |], options).Models[0].Cells
                let cell = cells[0]
                Expect.isNull cell.Time "no time"
                Expect.isFalse cell.Roof.OfCache.HasValue "nothing of the roof"
                Expect.isGreaterThan cell.Work.MultiplyAdds 0.0 "what it has to do is known"
                nonNull cell.LeftOut

            Expect.stringContains
                (left (CostOptions(Batches = [| 1 |], Lengths = [| 12 |], Seconds = 1e-6)))
                "would take"
                "time"

            Expect.stringContains
                (left (CostOptions(Batches = [| 1 |], Lengths = [| 12 |], Seconds = 60.0, Memory = -1L)))
                "would hold"
                "memory"
        }

        test "what is out of range is refused" {
            let refused (words: string list) (options: CostOptions) =
                Faults.says<ConfigurationException> words (fun () ->
                    CostProbe.Measure([| "gru" |], options) |> ignore)

            refused [ "--batch"; "0"; "1 or more" ] (CostOptions(Batches = [| 0 |]))
            refused [ "--lengths"; "2"; "3 or more" ] (CostOptions(Lengths = [| 100; 2 |]))
            refused [ "--seconds"; "0" ] (CostOptions(Seconds = 0.0))

            Faults.says<ConfigurationException> [ "there is no model 'lstn'"; "lstm" ] (fun () ->
                CostProbe.Measure([| "lstn" |], quick) |> ignore)
        }
    ]

let tests = testList "CostProbe" [ arithmetic; measured ]

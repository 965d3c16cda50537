module NtmLab.Tests.Training.LiveTensorTests

open Expecto
open NtmLab.Tests.LiveTensors
open NtmLab.Tests.Training.TrainingSetup
open NtmLab.Tests.Scratch
open NtmLab.Training

let private trainings: (string * TrainingOptions) list = [
    "RMSProp", options
    "Adam and a limited norm",
    TrainingOptions(Sequences = 24L, Batch = 4, Optimiser = AdamOptions(), ClipNorm = 0.1)
]

// No other test runs meanwhile: the count is of the whole process.
let tests =
    testSequenced
    <| testList "Live tensors" [
        for name, options in trainings do
            test $"a training batch with {name} leaves none" {
                use trainer = trainer options 1UL
                // The first batch makes the gradients, which stay.
                trainBatches 1 trainer |> ignore
                Expect.equal (left (fun () -> trainBatches 3 trainer |> ignore)) 0L "as many as before"
            }

            test $"a trainer with {name} that is disposed leaves none of its own" {
                use model = buildModel modelOptions 1UL

                let makeAndDispose () =
                    use trainer = new Trainer(model, task, options, evaluation, 1UL, StoppedClock())
                    ignore trainer

                makeAndDispose ()
                Expect.equal (left makeAndDispose) 0L "its running means are gone"
            }

        test "an evaluation leaves none" {
            use model = buildModel modelOptions 1UL
            let evaluate () = Evaluation.ByLength(model, task, [| 1; 5 |], 60, 1UL) |> ignore
            evaluate ()
            Expect.equal (left evaluate) 0L "as many as before"
        }

        test "saving and restoring leaves none" {
            use folder = new Folder()
            use trainer = trainer options 1UL

            let saveAndRestore () =
                Checkpoint.Save(folder.File "a.ckpt", trainer, "run")
                Checkpoint.Restore(folder.File "a.ckpt", trainer)

            saveAndRestore ()
            Expect.equal (left saveAndRestore) 0L "as many as before"
        }
    ]

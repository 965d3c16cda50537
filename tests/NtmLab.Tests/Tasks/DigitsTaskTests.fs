module NtmLab.Tests.Tasks.DigitsTaskTests

open System
open System.IO
open Expecto
open NtmLab
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Tests.Data.DataFiles
open NtmLab.Tests.Scratch
open TorchSharp

/// Images of 2 x 3 pixels; the first pixel says which image, the others and the label follow from it.
let private images (first: int) (count: int) : byte[] =
    idx 0x08uy [ count; 2; 3 ] [|
        for image in first .. first + count - 1 do
            for pixel in 0..5 ->
                if pixel = 0 then
                    byte image
                else
                    byte (image * 7 + pixel * 31)
    |]

let private labelOf (image: int) : int = image % 4

let private labels (first: int) (count: int) : byte[] =
    idx 0x08uy [ count ] [| for image in first .. first + count - 1 -> byte (labelOf image) |]

let private write (folder: Folder) (name: string) (bytes: byte[]) : string =
    File.WriteAllBytes(folder.File name, bytes)
    folder.File name

/// A task on so many images, of which a part is split off.
let private split (folder: Folder) (count: int) (permuted: bool) : DigitsTask =
    DigitsTask(
        Images = write folder "images" (images 0 count),
        Labels = write folder "labels" (gzip (labels 0 count)),
        Validation = 0.25,
        Permuted = permuted
    )

let private request (first: int64) (count: int) (length: int) (heldOut: bool) : BatchRequest =
    BatchRequest(RandomStream(1UL, "train", uint64 first), 1UL, first, count, length, heldOut)

/// Pixels as bytes, `[sequence][time]`.
let private pixels (batch: SequenceBatch) : int[][] =
    Tensors.values3 batch.Input
    |> Array.map (Array.map (fun step -> int (Math.Round(step[0] * 255.0))))

/// Values as `[sequence][time]`.
let private steps (tensor: torch.Tensor) : float[][] = Tensors.values3 (tensor.unsqueeze 0L) |> Array.head

/// Which image each sequence shows, by its first pixel.
let private shown (batch: SequenceBatch) : int list = [ for sequence in pixels batch -> sequence[0] ]

let private structure =
    testList "structure" [
        test "pixels pass one at a time, from 0 to 1, and the digit is wanted at the last" {
            use folder = new Folder()
            let task = split folder 8 false
            task.Validate()
            use batch = task.Generate(request 0L 6 6 false)
            Expect.equal batch.Input.shape [| 6L; 6L; 1L |] "the input"
            Expect.equal batch.Target.shape [| 6L; 6L |] "the target"
            Expect.equal batch.Length 6 "the length"
            Expect.equal (task.Lengths()) (LengthRange(6, 6)) "the task's lengths"

            for sequence, target, mask in Array.zip3 (pixels batch) (steps batch.Target) (steps batch.Mask) do
                let image = sequence[0]

                let expected = [|
                    for pixel in 0..5 ->
                        if pixel = 0 then
                            image
                        else
                            int (byte (image * 7 + pixel * 31))
                |]

                Expect.equal sequence expected "row by row"
                Expect.equal target[5] (float (labelOf image)) "its digit"
                Expect.equal mask [| 0.0; 0.0; 0.0; 0.0; 0.0; 1.0 |] "the last step"
        }

        test "a shorter length shows the first pixels" {
            use folder = new Folder()
            let task = split folder 8 false
            use whole = task.Generate(request 0L 3 6 true)
            use part = task.Generate(request 0L 3 2 true)
            Expect.equal (pixels part) (pixels whole |> Array.map (Array.take 2)) "two of six"
            Expect.equal (Tensors.values part.Mask) [| 0.0; 1.0; 0.0; 1.0; 0.0; 1.0 |] "the second of two"
        }

        test "permuted pixels are the same pixels in one order for all images, which its seed decides" {
            use folder = new Folder()
            use plain = (split folder 8 false).Generate(request 0L 6 6 false)
            use permuted = (split folder 8 true).Generate(request 0L 6 6 false)
            let before, after = pixels plain, pixels permuted
            let order = after[5] |> Array.map (fun value -> Array.IndexOf(before[5], value))
            Expect.equal (Array.sort order) [| 0..5 |] "a permutation"
            Expect.notEqual order [| 0..5 |] "not the identity"

            for image in 0..5 do
                Expect.equal
                    after[image]
                    (order |> Array.map (fun pixel -> before[image].[pixel]))
                    "the same order"

            use other =
                DigitsTask(
                    Images = folder.File "images",
                    Labels = folder.File "labels",
                    Validation = 0.25,
                    Permuted = true,
                    PermutationSeed = 2UL
                )
                    .Generate(request 0L 6 6 false)

            Expect.notEqual (pixels other) after "another seed, another order"
        }
    ]

let private parts =
    testList "parts" [
        test "training goes through all images in another order each time" {
            use folder = new Folder()
            let task = split folder 40 false

            let epoch (first: int64) =
                List.concat [ for k in 0L .. 5L -> shown (task.Generate(request (first + 5L * k) 5 6 false)) ]

            let first, second = epoch 0L, epoch 30L
            Expect.equal (List.distinct first).Length 30 "every one once"
            Expect.equal (List.sort second) (List.sort first) "the same ones"
            Expect.notEqual second first "in another order"
        }

        test "evaluation shows the images that training never does, in order, again when they are few" {
            use folder = new Folder()
            let task = split folder 40 false
            let heldOut = shown (task.Generate(request 0L 10 6 true))
            let trained = shown (task.Generate(request 0L 30 6 false))
            Expect.equal (List.sort (heldOut @ trained)) [ 0..39 ] "each image in one part"

            Expect.equal
                (shown (task.Generate(request 7L 6 6 true)))
                (heldOut[7..] @ heldOut[..2])
                "from the first on again"
        }

        test "test files are what evaluation shows" {
            use folder = new Folder()

            let task =
                DigitsTask(
                    Images = write folder "images" (images 0 5),
                    Labels = write folder "labels" (labels 0 5),
                    TestImages = write folder "testImages" (images 100 3),
                    TestLabels = write folder "testLabels" (labels 100 3)
                )

            task.Validate()
            Expect.equal (shown (task.Generate(request 0L 3 6 true))) [ 100..102 ] "in the order of the file"

            Expect.equal
                (List.sort (shown (task.Generate(request 0L 5 6 false))))
                [ 0..4 ]
                "training has all others"
        }

        test "a batch is the same, bit for bit, for the same request" {
            use folder = new Folder()

            let bits () =
                use batch = (split folder 40 true).Generate(request 20L 30 6 false)
                [ batch.Input; batch.Target; batch.Mask ] |> List.map Tensors.bits

            Expect.equal (bits ()) (bits ()) "files and seeds decide"
        }

        test "a copy with other files reads its own" {
            use folder = new Folder()
            let task = split folder 8 false
            task.Validate()
            File.Delete(folder.File "images")
            Expect.equal (task.Generate(request 0L 1 6 true)).Length 6 "what was read is kept"

            Faults.says<DataException> [ "there is no such file" ] (fun () ->
                DigitsTask(Images = folder.File "images", Labels = folder.File "labels").Validate())
        }
    ]

let private scores =
    testList "scores" [
        test "the loss and score of the class frequencies are the baseline" {
            use folder = new Folder()

            let task =
                DigitsTask(
                    Images = write folder "images" (images 0 6),
                    Labels = write folder "labels" (labels 0 6),
                    TestImages = folder.File "images",
                    TestLabels = folder.File "labels"
                )

            // Of six images the labels are 0 1 2 3 0 1.
            let frequencies = [| 2.0 / 6.0; 2.0 / 6.0; 1.0 / 6.0; 1.0 / 6.0; 0.0; 0.0; 0.0; 0.0; 0.0; 0.0 |]
            use batch = task.Generate(request 0L 6 6 true)
            let row = frequencies |> Array.map (fun p -> float32 (log (max p 1e-12)))
            let logits = torch.tensor(row, 1L, 1L, 10L).expand(6L, 6L, 10L)
            let baseline = task.Baseline 6
            let bits = float (task.Loss(logits, batch).item<float32>()) * task.Output().LossUnit
            Expect.floatClose Accuracy.low bits baseline.Loss "bits a sequence"

            Expect.floatClose
                Accuracy.low
                (task.Score(logits, batch) |> Array.averageBy float)
                baseline.Score
                "wrong digits"

            Expect.floatClose Accuracy.high baseline.Score (4.0 / 6.0) "two of six are the likeliest"
        }
    ]

let private faults =
    testList "faults" [
        for option, task in
            [
                "task.images", DigitsTask()
                "task.labels", DigitsTask(Images = "a")
                "task.testLabels", DigitsTask(Images = "a", Labels = "a", TestImages = "a")
                "task.testImages", DigitsTask(Images = "a", Labels = "a", TestLabels = "a")
                "task.classes", DigitsTask(Images = "a", Labels = "a", Classes = 1)
                "task.validation", DigitsTask(Images = "a", Labels = "a", Validation = 1.0)
            ] do
            test $"an impossible {option} is refused by name" {
                Faults.says<ConfigurationException> [ $"{option}:" ] task.Validate
            }

        for name, imageBytes, labelBytes, words in
            [
                "a label beyond the classes",
                images 0 3,
                idx 0x08uy [ 3 ] [| 0uy; 9uy; 10uy |],
                [ "label 3"; "10 is not allowed"; "0 to 9" ]
                "a label that is not whole",
                images 0 1,
                idx 0x0Duy [ 1 ] (floats false true [| 1.5f |]),
                [ "label 1"; "1.5" ]
                "images without rows", labels 0 3, labels 0 3, [ "holds no images" ]
                "images of another type",
                idx 0x0Duy [ 1; 1; 1 ] (Array.zeroCreate 4),
                labels 0 1,
                [ "holds no images" ]
                "fewer labels than images", images 0 3, labels 0 2, [ "holds 2 labels"; "3 items" ]
                "one image", images 0 1, labels 0 1, [ "holds one image" ]
            ] do
            test $"{name} are told before training" {
                use folder = new Folder()

                let task =
                    DigitsTask(
                        Images = write folder "images" imageBytes,
                        Labels = write folder "labels" labelBytes
                    )

                Faults.says<DataException> (folder.Path :: words) task.Validate
            }

        test "test images of another size are told before training" {
            use folder = new Folder()

            let task =
                DigitsTask(
                    Images = write folder "images" (images 0 2),
                    Labels = write folder "labels" (labels 0 2),
                    TestImages = write folder "testImages" (idx 0x08uy [ 1; 2; 2 ] (Array.zeroCreate 4)),
                    TestLabels = write folder "testLabels" (labels 0 1)
                )

            Faults.says<DataException> [ "testImages"; "4 pixels"; "6" ] task.Validate
        }

        test "more pixels than an image has are refused" {
            use folder = new Folder()

            Faults.says<ConfigurationException> [ "task 'digits': pixels"; "7"; "1 to 6" ] (fun () ->
                (split folder 8 false).Generate(request 0L 1 7 false) |> ignore)
        }
    ]

let tests = testList "DigitsTask" [ structure; parts; scores; faults ]

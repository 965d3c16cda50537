module NtmLab.Tests.Interchange.WeightsFileTests

open System
open System.Buffers.Binary
open System.IO
open System.IO.Compression
open System.Text
open System.Text.Json
open Expecto
open FsCheck
open FsCheck.FSharp
open NtmLab
open NtmLab.Interchange
open NtmLab.Tests
open NtmLab.Tests.Scratch
open TorchSharp

type private Shapes = Shapes of int list list

type private Arbitraries =
    static member Shapes() : Arbitrary<Shapes> =
        Gen.choose (0, 3)
        |> Gen.bind (fun dimensions -> Gen.listOfLength dimensions (Gen.choose (0, 4)))
        |> Gen.listOf
        |> Gen.map (List.truncate 6 >> Shapes)
        |> Arb.fromGen

let private config = {
    FsCheckConfig.defaultConfig with
        arbitrary = [ typeof<Arbitraries> ]
        maxTest = 40
}

let private sample (shapes: int list list) : struct (string * torch.Tensor) list = [
    for index, shape in List.indexed shapes do
        let values = Tensors.uniform (RandomStream(uint64 index, "values")) -1.0 1.0 shape
        struct ($"layer.{index}.weight", values.``to`` torch.float32)
]

/// The bytes of a file of two tensors.
let private bytesOf (format: ExportFormat) : byte[] =
    use scope = torch.NewDisposeScope()
    use folder = new Folder()
    WeightsFile.Write(folder.File "a", format, sample [ [ 3; 2 ]; [ 4 ] ])
    File.ReadAllBytes(folder.File "a")

let private refused (bytes: byte[]) (words: string list) : unit =
    use scope = torch.NewDisposeScope()
    use folder = new Folder()
    File.WriteAllBytes(folder.File "a.pt", bytes)
    Faults.says<DataException> words (fun () -> WeightsFile.Read(folder.File "a.pt") |> ignore)

let private formats = [ ExportFormat.Pytorch; ExportFormat.Safetensors ]

let private zip (entries: (string * string) list) : byte[] =
    use stream = new MemoryStream()

    do
        use archive = new ZipArchive(stream, ZipArchiveMode.Create, true)

        for name, text in entries do
            use writer = new StreamWriter(archive.CreateEntry(name).Open())
            writer.Write text

    stream.ToArray()

let tests =
    testList "WeightsFile" [
        for format in formats do
            testPropertyWithConfig
                config
                $"what was written as {format} is read to the bit"
                (fun (Shapes shapes) ->
                    use scope = torch.NewDisposeScope()
                    use folder = new Folder()
                    // A safetensors file without a tensor is one, a PyTorch file as well.
                    let written = sample shapes
                    WeightsFile.Write(folder.File "a", format, written)
                    let struct (read, found) = WeightsFile.Read(folder.File "a")
                    Expect.equal found format "the format is seen"
                    Expect.equal read.Count written.Length "no more"

                    for struct (name, value) in written do
                        Expect.equal read[name].shape value.shape name
                        Expect.equal (Tensors.bits read[name]) (Tensors.bits value) name)

            testPropertyWithConfig
                config
                $"a truncated {format} file is refused, wherever it ends"
                (fun (place: uint32) ->
                    let bytes = bytesOf format
                    refused (Array.truncate (int (place % uint32 bytes.Length)) bytes) [ "a.pt: " ])

        for format in formats do
            test $"a tensor of a megabyte is read whole from {format}" {
                use scope = torch.NewDisposeScope()
                use folder = new Folder()
                let written = sample [ [ 512; 512 ] ]
                WeightsFile.Write(folder.File "a", format, written)
                let struct (read, _) = WeightsFile.Read(folder.File "a")
                let struct (name, value) = written.Head
                Expect.equal (Tensors.bits read[name]) (Tensors.bits value) "to the bit"
            }

        test "a safetensors file has the header that its specification asks for" {
            let bytes = bytesOf ExportFormat.Safetensors
            let length = int (BinaryPrimitives.ReadUInt64LittleEndian(ReadOnlySpan bytes))
            use header = JsonDocument.Parse(Encoding.UTF8.GetString(bytes, 8, length))
            let second = header.RootElement.GetProperty "layer.1.weight"
            Expect.equal (second.GetProperty("dtype").GetString()) "F32" "the type"
            Expect.equal (second.GetProperty("shape").GetRawText()) "[4]" "the shape"
            Expect.equal (second.GetProperty("data_offsets").GetRawText()) "[24,40]" "its place"
            Expect.equal bytes.Length (8 + length + 40) "nothing after the values"
            let values = [| for i in 0..3 -> BitConverter.ToSingle(bytes, 8 + length + 24 + 4 * i) |]
            let struct (_, expected) = (sample [ [ 3; 2 ]; [ 4 ] ])[1]
            Expect.equal (Array.map float values) (Tensors.values expected) "the values"
        }

        test "a header longer than the file is refused before memory is asked for" {
            let bytes = bytesOf ExportFormat.Safetensors
            BinaryPrimitives.WriteUInt64LittleEndian(Span bytes, 1UL <<< 40)
            refused bytes [ "cannot be read as safetensors" ]
        }

        test "what is no file of weights is told from its content" {
            refused (Encoding.UTF8.GetBytes "batch,loss\n1,2\n") [ "neither"; "torch.save"; "safetensors" ]
            refused [| 0x80uy; 2uy; 0x8Auy; 10uy; 1uy; 2uy; 3uy; 4uy; 5uy; 6uy |] [ "since PyTorch 1.6" ]
            refused (zip [ "manifest.json", "{}" ]) [ "cannot be read as a state_dict"; "torch.save(" ]
            refused (zip [ "archive/data.pkl", "N." ]) [ "cannot be read as a state_dict" ]
            refused [||] [ "is empty" ]
        }

        test "a value that is no tensor is told by its name" {
            // {'epoch': 3}
            refused (zip [ "archive/data.pkl", "}S'epoch'\nI3\ns." ]) [ "'epoch'"; "no tensor" ]
        }

        test "a missing file is told" {
            Faults.says<DataException> [ "nowhere.pt"; "no such file" ] (fun () ->
                WeightsFile.Read "nowhere.pt" |> ignore)
        }
    ]

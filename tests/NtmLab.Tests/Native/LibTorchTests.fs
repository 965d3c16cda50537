module NtmLab.Tests.Native.LibTorchTests

open System
open System.IO
open System.Threading.Tasks
open Expecto
open NtmLab.Native
open TorchSharp

let private onLinux () : unit =
    if not (OperatingSystem.IsLinux()) then
        skiptest "only Linux libraries demand symbol versions"

/// TorchSharp's native library as it was shipped.
let private shipped () : string = LibTorch.Files.Shipped

let private weaken (image: byte[]) : byte[] =
    ElfVersionNeeds.Weaken(ReadOnlySpan image, "GLIBCXX_3.4.32", [| "_ZSt21ios_base_library_initv" |])

let tests =
    testList "LibTorch" [
        test "arithmetic runs after loading" {
            LibTorch.Load()
            Expect.equal (torch.ones(3L).sum().to_type(torch.float64).ToDouble()) 3.0 "1 + 1 + 1"
        }

        test "loading again gives the same files, from any thread" {
            let loaded = [| for _ in 1..4 -> Task.Run(fun () -> LibTorch.Files) |] |> Task.WhenAll
            Expect.all (loaded.GetAwaiter().GetResult()) (fun files -> files = LibTorch.Files) "once for all"
        }

        test "TorchSharp's own copy beside the program is not made" {
            let copies = Path.Combine(nonNull (Path.GetDirectoryName typeof<torch>.Assembly.Location), "cpu")
            Expect.isFalse (Directory.Exists copies) "600 MB that could win over ours"
        }

        test "the shipped library gets exactly the flag of the newest C++ version changed" {
            onLinux ()
            let image = File.ReadAllBytes(shipped ())

            let flags = [
                for need in ElfVersionNeeds.Read(ReadOnlySpan image) do
                    if need.Version = "GLIBCXX_3.4.32" then
                        need.FlagsOffset
            ]

            let mended = weaken image

            let changed = [
                for i in 0 .. image.Length - 1 do
                    if image[i] <> mended[i] then
                        i
            ]

            Expect.equal changed flags "one byte, from 0 to 2"
            Expect.equal [ for i in changed -> mended[i] ] [ for _ in changed -> 2uy ] "weak"
        }

        test "mending the shipped library twice is mending it once" {
            onLinux ()
            let once = weaken (File.ReadAllBytes(shipped ()))
            Expect.isTrue ((weaken once).AsSpan().SequenceEqual(ReadOnlySpan once)) "idempotent"
        }

        test "a mended library in use is the shipped one with that change" {
            onLinux ()

            if not LibTorch.Files.IsMended then
                skiptest "this system's C++ library is new enough"

            let inUse = File.ReadAllBytes LibTorch.Files.Library

            Expect.isTrue
                (inUse.AsSpan().SequenceEqual(ReadOnlySpan(weaken (File.ReadAllBytes(shipped ())))))
                "and no other"
        }
    ]

module NtmLab.Tests.Docs.PackageTests

open System
open System.IO
open System.IO.Compression
open System.Xml.Linq
open Expecto
open NtmLab.Native
open NtmLab.Tests.Cli
open NtmLab.Tests.Docs
open NtmLab.Tests.Docs.Consumers

let private opened (name: string) (ending: string) (look: ZipArchive -> 'T) : 'T =
    use archive = ZipFile.OpenRead(Path.Combine(all.Value.Feed, $"{name}.0.1.0.{ending}"))
    look archive

/// What a package's manifest asks for: other packages, each with the versions it takes.
let private dependencies (name: string) : (string * string) list =
    opened name "nupkg" (fun archive ->
        use manifest = (nonNull (archive.GetEntry $"{name}.nuspec")).Open()

        [
            for element in XDocument.Load(manifest).Descendants() do
                if element.Name.LocalName = "dependency" then
                    let value (attribute: string) = (nonNull (element.Attribute(XName.Get attribute))).Value
                    value "id", value "version"
        ])

let private names = [ "NtmLab.FSharp"; "NtmLab.Kernels"; "NtmLab.Runtime" ]

let private succeeded (outcome: Outcome) (what: string) : unit =
    Expect.equal outcome.Code 0 $"{what}: {outcome.Said}"

let tests =
    testList "Packages" [
        test "three packages are made, each with its symbols" {
            let made =
                Directory.GetFiles all.Value.Feed
                |> Array.map (fun file -> string (Path.GetFileName file))
                |> Array.sort

            let wanted = [|
                for name in names do
                    $"{name}.0.1.0.nupkg"
                    $"{name}.0.1.0.snupkg"
            |]

            Expect.equal made wanted "neither the command nor the tests"
        }

        test
            "a package holds the assembly, its documentation and what to read first, and its symbols lie apart" {
            for name in names do
                let entries ending =
                    opened name ending (fun archive -> [ for entry in archive.Entries -> entry.FullName ])

                for file in [ $"lib/net10.0/{name}.dll"; $"lib/net10.0/{name}.xml"; "README.md" ] do
                    Expect.contains (entries "nupkg") file name

                Expect.contains (entries "snupkg") $"lib/net10.0/{name}.pdb" name
                Expect.isFalse (List.contains $"lib/net10.0/{name}.pdb" (entries "nupkg")) "once is enough"
        }

        test "the runtime asks for TorchSharp and this system's libtorch in the versions that fit each other" {
            let asked = dependencies "NtmLab.Runtime"
            Expect.contains asked ("TorchSharp", "[0.107.0]") "exactly"

            let libtorch =
                asked
                |> List.filter (fun (name, _) -> name.StartsWith("libtorch-cpu-", StringComparison.Ordinal))

            Expect.equal [ for _, version in libtorch -> version ] [ "[2.10.0]" ] "one system's, exactly"
        }

        test "a package takes later versions of others up to the next one that may break" {
            let pinned = [
                for name in names do
                    for asked, version in dependencies name do
                        let ours = asked.StartsWith("NtmLab", StringComparison.Ordinal)

                        let fits =
                            asked = "TorchSharp" || asked.StartsWith("libtorch", StringComparison.Ordinal)

                        if not ours && not fits && not (version.StartsWith '[' && version.EndsWith ')') then
                            $"{name}: {asked} {version}"
            ]

            Expect.equal pinned [] "an exact version keeps a program from its own"
        }

        test "a C# project with nothing but the package trains a Neural Turing Machine" {
            succeeded all.Value.Built "building"
            succeeded all.Value.Ran "running"
            Expect.stringContains all.Value.Ran.Said "length 4: " "scores"
        }

        test "the C# of the other pages runs with nothing but the package" {
            Expect.stringContains all.Value.Ran.Said "1 bit wrong" "the kernels' page"
            Expect.stringContains all.Value.Ran.Said "parameters, libtorch 2.10.0" "the runtime's page"
        }

        test "where libtorch is missing, one sentence names its package" {
            Expect.notEqual all.Value.RanWithoutLibTorch.Code 0 "a fault"

            Expect.stringContains
                all.Value.RanWithoutLibTorch.Said
                "add the package 'libtorch-cpu-"
                "what to do"
        }

        test "a script with nothing but the package trains, keeps the record and draws" {
            succeeded all.Value.Script "dotnet fsi"
            let run = Path.Combine(all.Value.ScriptRuns, "first-copy-seed1-001")

            Expect.stringContains
                (File.ReadAllText(Path.Combine(run, "run.json")))
                "\"finished\""
                "the record"

            Expect.isNonEmpty
                (Directory.GetFiles(Path.Combine(run, "pictures"), "heads-4.png"))
                "the pictures"
        }

        test "an F# project runs the same experiment in the session that it asks for" {
            succeeded all.Value.FSharpBuilt "building"
            succeeded all.Value.FSharpRan "running"
            let record = Path.Combine(all.Value.FSharpRuns, "first-copy-seed7-001", "run.json")
            Expect.stringContains (File.ReadAllText record) "\"finished\"" "the record"
        }

        test "a run that a program made is not resumed by the command, which says why" {
            let run = Path.Combine(all.Value.FSharpRuns, "first-copy-seed7-001")
            let outcome = CommandLine.run [ "resume"; run ]
            Expect.equal outcome.Code 1 outcome.Output

            Expect.equal
                (outcome.Errors.Trim())
                "ntmlab: first-copy-seed7-001: was made by a program or a notebook, not by a script; only there it can be gone on with and scored (Session.Resume, Session.Evaluate)."
                "one sentence"
        }

        test "NuGet's cache is left as it is, and the mended copy of a script is the user's own" {
            let before, after = all.Value.Shipped
            Expect.equal after before "other programs use it"

            if LibTorch.Files.IsMended then
                let copies =
                    Directory.GetFiles(all.Value.Cache, "libLibTorchSharp.so", SearchOption.AllDirectories)

                Expect.equal copies.Length 1 "one copy for one library"

                Expect.equal
                    (File.ReadAllBytes copies[0])
                    (File.ReadAllBytes LibTorch.Files.Library)
                    "the same as ever"
        }
    ]

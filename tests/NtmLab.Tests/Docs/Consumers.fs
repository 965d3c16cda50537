/// What somebody does who has nothing but the packages: the programs of the page on the library, made with packages of this checkout.
module NtmLab.Tests.Docs.Consumers

open System
open System.Diagnostics
open System.IO
open System.Security.Cryptography
open System.Threading.Tasks
open NtmLab.Tests

/// What a finished process left.
type Outcome = { Code: int; Said: string }

/// Where everything lies, and what came of it.
type Consumers = {
    /// The packages.
    Feed: string
    /// The cache that stands in for the user's own.
    Cache: string
    /// Making the packages.
    Packed: Outcome
    /// The C# program: building, running, and running without libtorch.
    Built: Outcome
    Ran: Outcome
    RanWithoutLibTorch: Outcome
    /// The F# script, and the folder of its runs.
    Script: Outcome
    ScriptRuns: string
    /// The F# program: building and running, and the folder of its runs.
    FSharpBuilt: Outcome
    FSharpRan: Outcome
    FSharpRuns: string
    /// TorchSharp's library in NuGet's cache, before and after.
    Shipped: string * string
}

let private page = "docs/library.md"

/// NuGet's cache of this machine.
let private packages: string =
    match Environment.GetEnvironmentVariable "NUGET_PACKAGES" with
    | null
    | "" ->
        Path.Combine(Environment.GetFolderPath Environment.SpecialFolder.UserProfile, ".nuget", "packages")
    | folder -> folder

/// The library of TorchSharp in NuGet's cache, as a hash of every such file there.
let private shipped () : string =
    Directory.EnumerateFiles(
        Path.Combine(packages, "torchsharp"),
        "*LibTorchSharp.*",
        SearchOption.AllDirectories
    )
    |> Seq.sort
    |> Seq.map (fun file -> $"{file} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes file))}")
    |> String.concat "\n"

let private start (folder: string) (variables: (string * string) list) (arguments: string list) : Outcome =
    let info =
        ProcessStartInfo(
            "dotnet",
            arguments,
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false
        )

    for name, value in
        [
            // No servers: they would outlive the tests.
            "MSBUILDDISABLENODEREUSE", "1"
            "UseSharedCompilation", "false"
            "DOTNET_CLI_USE_MSBUILD_SERVER", "0"
            "DOTNET_CLI_TELEMETRY_OPTOUT", "1"
            "DOTNET_NOLOGO", "1"
            yield! variables
        ] do
        info.Environment[name] <- value

    use running = nonNull (Process.Start info)
    running.StandardInput.Close()
    let output, errors = running.StandardOutput.ReadToEndAsync(), running.StandardError.ReadToEndAsync()

    if not (running.WaitForExit 300_000) then
        running.Kill true
        failwith "dotnet did not end within five minutes"

    { Code = running.ExitCode; Said = output.Result + errors.Result }

/// A program of its own: all of a C# page that begins with statements, run before the program that it is compiled into.
let private statements (index: int) (block: Block) : string =
    let lines = block.Text.Split '\n'

    let isUsing (line: string) =
        line.StartsWith("using ", StringComparison.Ordinal)
        && line.EndsWith ';'
        && not (line.Contains '=')

    let usings, rest = Array.partition isUsing lines
    let join (lines: string[]) = String.Join("\n", lines)

    $"{join usings}
internal static class Block{index}
{{
    [System.Runtime.CompilerServices.ModuleInitializer]
    internal static void Run()
    {{
{join rest}
    }}
}}
"

/// The C# blocks of other pages, which the C# program is compiled with: those that declare a type in a namespace stand as they are.
let private csharp () : (string * string) list = [
    let others =
        Block.pages.Value
        |> List.filter (fun other -> other <> page)
        |> List.collect (fun other -> Block.on other "csharp")

    for index, block in List.indexed others do
        let isFile = block.Text.Contains "\nnamespace "
        $"Block{index}.cs", $"// {block.Place}\n" + (if isFile then block.Text else statements index block)
]

let private make (root: string) : Consumers =
    let folder name = Directory.CreateDirectory(Path.Combine(root, name)).FullName
    let feed, cache = folder "feed", folder "cache"
    let inFeed (text: string) = text.Replace("PACKAGES", feed)
    let block language = List.head (Block.on page language)
    let before = shipped ()

    // The checkout's own packages never come from a cache of earlier ones; all others lie in the machine's own.
    let kept =
        Directory.CreateDirectory(Path.Combine(Scratch.repository.Value, "artifacts", "consumers")).FullName

    for stale in Directory.EnumerateDirectories(kept, "ntmlab.*") |> List.ofSeq do
        Directory.Delete(stale, true)

    let variables = [
        "NUGET_PACKAGES", kept
        "NUGET_FALLBACK_PACKAGES", packages
        "XDG_CACHE_HOME", cache
        "CreateHardLinksForCopyLocalIfPossible", "true"
        "CreateSymbolicLinksForCopyLocalIfPossible", "true"
        "CreateHardLinksForCopyFilesToOutputDirectoryIfPossible", "true"
    ]

    let packed =
        start Scratch.repository.Value [] [
            "pack"
            "NtmLab.sln"
            "--no-build"
            "-o"
            feed
            "--nologo"
            "-v"
            "quiet"
        ]

    let build project =
        start project variables [
            "build"
            "-o"
            Path.Combine(project, "out")
            "--nologo"
            "-v"
            "quiet"
            "-clp:NoSummary"
        ]

    let run project = start project variables [ Path.Combine(project, "out", "First.dll") ]

    let csharpProject () =
        let project = folder "csharp"
        File.WriteAllText(Path.Combine(project, "First.csproj"), inFeed (block "xml").Text)
        File.WriteAllText(Path.Combine(project, "Program.cs"), (block "csharp").Text)

        for name, text in csharp () do
            File.WriteAllText(Path.Combine(project, name), text)

        let built = build project
        let ran = run project

        for library in
            Directory.GetFiles(Path.Combine(project, "out"), "*torch_cpu.*", SearchOption.AllDirectories) do
            File.Delete library

        built, ran, run project

    let script () =
        let home = folder "script"
        File.WriteAllText(Path.Combine(home, "first.fsx"), inFeed (block "fsharp").Text)
        start home variables [ "fsi"; "first.fsx"; "--runs"; "kept" ], Path.Combine(home, "kept")

    let fsharpProject () =
        let project = folder "fsharp"
        let text = (block "fsharp").Text.Split('\n')[2..]
        let session = (List.item 1 (Block.on page "fsharp")).Text

        let projectFile =
            (inFeed (block "xml").Text)
                .Replace("NtmLab.Runtime", "NtmLab.FSharp")
                .Replace("<ItemGroup>", "<ItemGroup><Compile Include=\"Program.fs\" />")

        File.WriteAllText(Path.Combine(project, "First.fsproj"), projectFile)

        File.WriteAllText(
            Path.Combine(project, "Program.fs"),
            session + String.Join("\n", text).TrimEnd() + "\n|> ignore\n"
        )

        build project, run project, Path.Combine(project, "my-runs")

    if packed.Code <> 0 then
        failwith $"dotnet pack: {packed.Said}"

    let csharpDone = Task.Run csharpProject
    let scriptOutcome, scriptRuns = script ()
    let fsharpBuilt, fsharpRan, fsharpRuns = fsharpProject ()
    let built, ran, ranWithout = csharpDone.Result

    {
        Feed = feed
        Cache = cache
        Packed = packed
        Built = built
        Ran = ran
        RanWithoutLibTorch = ranWithout
        Script = scriptOutcome
        ScriptRuns = scriptRuns
        FSharpBuilt = fsharpBuilt
        FSharpRan = fsharpRan
        FSharpRuns = fsharpRuns
        Shipped = before, shipped ()
    }

/// All of it, made once; it is removed when the tests end.
let all: Lazy<Consumers> =
    lazy
        let scratch = new Scratch.Folder()
        AppDomain.CurrentDomain.ProcessExit.Add(fun _ -> (scratch :> IDisposable).Dispose())
        make scratch.Path

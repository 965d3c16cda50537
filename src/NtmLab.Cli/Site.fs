/// The pages and the reference of all public types as a site of plain files, made by fsdocs.
module NtmLab.Cli.Site

open System
open System.IO
open System.Text.RegularExpressions
open Argu
open NtmLab
open NtmLab.Configuration

/// By this file a site is known; it makes the search work without a server.
let private searchIndex = "search-index.js"

/// The budgets of the study whose verdicts, tables and figures come along, each a folder.
let private studies: Lazy<string list> =
    lazy
        [
            for budget in [ "full"; "quick" ] do
                let folder = $"paper/results/{budget}"

                if Directory.Exists(Path.Combine(Repository.root.Value, folder)) then
                    folder
        ]

/// The pages in their order, each by its place in the checkout; they lie alike in the site, but for the first.
let private pages: Lazy<string list> =
    lazy
        [
            "README.md"
            for page in
                Directory.EnumerateFiles(Path.Combine(Repository.root.Value, "docs"), "*.md")
                |> Seq.sort do
                $"docs/{Path.GetFileName page}"
            for study in studies.Value do
                $"{study}/{Summary.page}"
            "CONTRIBUTING.md"
            "CHANGELOG.md"
        ]

/// The libraries whose public types make the reference, and their languages.
let private libraries = [ "NtmLab.Kernels", "cs"; "NtmLab.Runtime", "cs"; "NtmLab.FSharp", "fs" ]

/// What pages point to and people read as it is.
let private alongside = [ "experiments"; "docs/pictures"; "LICENSE" ]

let private makeFolderOf (file: string) : unit =
    Directory.CreateDirectory(nonNull (Path.GetDirectoryName file)) |> ignore

/// Copies a file, or the files of a folder.
let private copy (from: string) (into: string) (name: string) : unit =
    let source = Path.Combine(from, name)

    let files =
        if Directory.Exists source then
            List.ofArray (Directory.GetFiles source)
        else
            [ source ]

    for file in files do
        let target = Path.Combine(into, Path.GetRelativePath(from, file))
        makeFolderOf target
        File.Copy(file, target, overwrite = true)

/// A page as fsdocs wants it: with its title and its place in the menu.
let private stage (input: string) (index: int) (page: string) : unit =
    let text = File.ReadAllText(Path.Combine(Repository.root.Value, page))

    let title =
        Regex.Match(text, @"^# (.*)$", RegexOptions.Multiline).Groups[1].Value.Replace("`", "").Trim()

    let heading = $"---\ntitle: {title}\ncategory: Pages\ncategoryindex: 1\nindex: {index}\n---\n"

    let target = Path.Combine(input, (if page = "README.md" then "index.md" else page))

    makeFolderOf target
    File.WriteAllText(target, heading + Regex.Replace(text, @"\]\(((?:\.\./)*)README\.md", "]($1index.md"))

/// Runs fsdocs; what it says goes into a file, which is named when it fails.
let private fsdocs (folder: string) (arguments: string list) : unit =
    let log = Path.Combine(folder, "fsdocs.log")

    if Repository.dotnetQuietly folder log ("fsdocs" :: "build" :: arguments) <> 0 then
        raise (ConfigurationException $"docs: fsdocs failed; {log} says why.")

/// Makes of what fsdocs wrote a site that needs no server and nothing from elsewhere. Gives the links of our own pages that lead
/// nowhere.
let private finish (output: string) : string list =
    let files = Directory.GetFiles(output, "*.html", SearchOption.AllDirectories)

    for file in files do
        let depth = Path.GetRelativePath(output, file).Split(Path.DirectorySeparatorChar).Length - 1

        let page = File.ReadAllText(file).Replace(SitePage.top, String.replicate depth "../")
        File.WriteAllText(file, SitePage.tidy page)

    let dead = [
        for file in files do
            let page, links = SitePage.mendLinks output file (File.ReadAllText file)
            File.WriteAllText(file, page)
            let name = Path.GetRelativePath(output, file).Replace('\\', '/')

            // The reference also names types that have no page: those that are not public, and those that fsdocs cannot read.
            if not (name.StartsWith("reference/", StringComparison.Ordinal)) then
                for link in links do
                    $"{name}: {link}"
    ]

    let index = File.ReadAllText(Path.Combine(output, "index.json")).Replace(SitePage.top, "")
    File.WriteAllText(Path.Combine(output, searchIndex), $"const siteIndex = {index};\n")

    for leftover in [ "index.json"; "llms.txt"; "llms-full.txt"; "NuGet.config" ] do
        File.Delete(Path.Combine(output, leftover))

    for source in Directory.GetFiles(output, "*.md", SearchOption.AllDirectories) do
        File.Delete source

    dead

/// Makes room for the site: removes the one that an earlier call left, and nothing else ever.
let private makeRoom (output: string) : unit =
    if
        Directory.Exists output
        && not (Seq.isEmpty (Directory.EnumerateFileSystemEntries output))
    then
        if not (File.Exists(Path.Combine(output, searchIndex))) then
            raise (
                ConfigurationException
                    $"--out {output}: holds something else than such a site; a new or empty folder is accepted."
            )

        Directory.Delete(output, true)

    // From the start, so that a call that was stopped leaves what the next one knows.
    Directory.CreateDirectory output |> ignore
    File.WriteAllText(Path.Combine(output, searchIndex), "const siteIndex = [];\n")

/// `ntmlab docs`.
let build (arguments: ParseResults<DocsArgument>) : int =
    let root = Repository.root.Value

    let output =
        Path.GetFullPath(arguments.GetResult(DocsArgument.Out, Path.Combine(root, "artifacts", "docs")))

    makeRoom output
    let work = Path.Combine(root, "artifacts", "obj", "docs")
    let input = Path.Combine(work, "input")

    if Directory.Exists work then
        Directory.Delete(work, true)

    pages.Value |> List.iteri (stage input)

    for file in [ "_template.html"; "site.css"; "site.js" ] do
        copy (Path.Combine(root, "docs", "site")) input file

    let assemblies = Path.Combine(work, "assemblies")
    SiteAssembly.prepare AppContext.BaseDirectory assemblies [ for name, _ in libraries -> name ]

    fsdocs work [
        "--input"
        input
        "--output"
        output
        "--projects"
        for name, language in libraries do
            Path.Combine(root, "src", name, $"{name}.{language}proj")
        "--properties"
        "Configuration=Release"
        $"OutDir={assemblies}/"
        "--parameters"
        "root"
        SitePage.top
        "fsdocs-collection-name"
        "NtmLab"
    ]

    for name in alongside @ studies.Value do
        copy root output name

    match finish output with
    | [] ->
        let home = Path.Combine(output, "index.html")
        Console.Out.WriteLine $"site: {home}"
        0
    | dead ->
        let links = String.Join(", ", dead)
        raise (ConfigurationException $"docs: these links lead nowhere: {links}.")

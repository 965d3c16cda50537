/// From the files of a paper to its PDF, by the LaTeX of this machine.
[<RequireQualifiedAccess>]
module NtmLab.PaperBuild

open System
open System.Diagnostics
open System.IO
open System.Text.RegularExpressions
open NtmLab

/// What a PDF is made with.
let private programs = [ "latexmk"; "pdflatex"; "bibtex" ]

/// It takes seconds.
let private patience = TimeSpan.FromMinutes 5.0

let private isOnPath (program: string) : bool =
    let folders =
        match Environment.GetEnvironmentVariable "PATH" with
        | null -> [||]
        | path -> path.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)

    folders
    |> Array.exists (fun folder ->
        File.Exists(Path.Combine(folder, program))
        || File.Exists(Path.Combine(folder, program + ".exe")))

/// Requires the programs that make a PDF.
/// <exception cref="T:NtmLab.PaperException">One is not on the PATH.</exception>
let require () : unit =
    match programs |> List.filter (isOnPath >> not) with
    | [] -> ()
    | missing ->
        let list = String.Join(", ", missing)

        raise (
            PaperException
                $"LaTeX is not installed here ({list} not found on the PATH); paper/setup installs it on Debian and Ubuntu."
        )

/// The first fault that LaTeX's own log tells of, with its place and the last of what was read.
let private firstFault (log: string) : string option =
    let found =
        Regex.Match(
            log,
            @"^(?:! |(?:\./)?(?<where>\S+\.\w+:\d+): )(?<what>.+)$(?:\s(?!l\.\d).*$){0,8}(?:\sl\.\d+ (?<read>.+)$)?",
            RegexOptions.Multiline
        )

    let group (name: string) = found.Groups[name].Value.Trim().Trim('.', ' ')

    let part (before: string) (name: string) (after: string) =
        if group name = "" then "" else before + group name + after

    if found.Success then
        Some(part "" "where" ": " + group "what" + part " after '" "read" "'")
    else
        None

/// What LaTeX lets pass and a reader would not: citations and references that lead nowhere.
let private undefinedIn (log: string) : string list =
    Regex.Matches(log, @"(?:Citation|Reference) [`']([^']+)'.*undefined")
    |> Seq.map (fun found -> found.Groups[1].Value)
    |> Seq.distinct
    |> List.ofSeq

/// What became of a paper.
type Built = {
    /// Where LaTeX's log lies.
    Log: string
    /// Lines that reach more than a point beyond their column.
    TooWide: int
}

/// Runs LaTeX on `paper.tex` in a folder, as often as its references need; its own files go into a work folder, which is
/// emptied first.
/// <exception cref="T:NtmLab.PaperException">LaTeX is not there, fails, or leaves a reference that leads nowhere.</exception>
let make (paper: string) (work: string) (output: string) : Built =
    require ()

    if Directory.Exists work then
        Directory.Delete(work, true)

    Directory.CreateDirectory work |> ignore

    let info =
        ProcessStartInfo(
            "latexmk",
            [
                "-norc"
                "-pdf"
                "-interaction=nonstopmode"
                "-halt-on-error"
                "-file-line-error"
                $"-outdir={work}"
                "paper.tex"
            ],
            WorkingDirectory = paper,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        )

    // Else the log breaks its lines, and with them the names in them.
    info.Environment["max_print_line"] <- "2000"
    use running = nonNull (Process.Start info)
    running.StandardInput.Close()
    let said, errors = running.StandardOutput.ReadToEndAsync(), running.StandardError.ReadToEndAsync()
    let log, console = Path.Combine(work, "paper.log"), Path.Combine(work, "latexmk.log")

    if not (running.WaitForExit patience) then
        running.Kill true

        raise (
            PaperException $"LaTeX did not end within {patience.TotalMinutes} minutes; {work} has its logs."
        )

    File.WriteAllText(console, said.Result + errors.Result)

    if running.ExitCode <> 0 then
        let text, told =
            if File.Exists log then
                File.ReadAllText log, log
            else
                said.Result, console

        let fault = firstFault text |> Option.defaultValue "latexmk gave up"
        raise (PaperException $"LaTeX failed: {fault}; {told} says more.")

    let text = File.ReadAllText log

    match undefinedIn text with
    | [] -> ()
    | undefined ->
        let list = String.Join(", ", undefined)
        raise (PaperException $"{paper}: these citations or references lead nowhere: {list}.")

    let folder = nonNull (Path.GetDirectoryName(Path.GetFullPath output))

    try
        Directory.CreateDirectory folder |> ignore
        File.Copy(Path.Combine(work, "paper.pdf"), output, overwrite = true)
    with
    | :? IOException
    | :? UnauthorizedAccessException as fault ->
        raise (PaperException($"{output}: cannot be written ({fault.Message.TrimEnd '.'}).", fault))

    {
        Log = log
        TooWide =
            Regex.Matches(text, @"^Overfull \\hbox \(([\d.]+)pt", RegexOptions.Multiline)
            |> Seq.filter (fun found ->
                Double.Parse(found.Groups[1].Value, Globalization.CultureInfo.InvariantCulture) > 1.0)
            |> Seq.length
    }

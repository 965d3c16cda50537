/// `ntmlab paper`: the paper on the memory-length study, from what the study has found to the PDF.
module NtmLab.Cli.Papers

open System
open System.IO
open Argu
open NtmLab
open Spectre.Console

/// Evaluates a part's script, which gathers what there is and publishes its chapter; what it shows in the terminal stands in the paper.
let private gather (session: Session) : unit =
    let output, console = Console.Out, AnsiConsole.Console

    try
        Console.SetOut TextWriter.Null

        AnsiConsole.Console <-
            AnsiConsole.Create(AnsiConsoleSettings(Out = AnsiConsoleOutput TextWriter.Null))

        StudyWork.evaluate session
    finally
        Console.SetOut output
        AnsiConsole.Console <- console

/// An empty folder in place of the one that an earlier call left: nothing old may pass for new.
let private renew (folder: string) : unit =
    if Directory.Exists folder then
        Directory.Delete(folder, true)

    Directory.CreateDirectory folder |> ignore

/// `ntmlab paper`.
let build (arguments: ParseResults<PaperArgument>) : int =
    PaperBuild.require ()
    let root = Repository.root.Value
    let paper, work = Path.Combine(root, "paper"), Path.Combine(root, "artifacts", "paper")
    let generated = Path.Combine(paper, "generated")
    let runs = Path.GetFullPath(arguments.GetResult(PaperArgument.Runs, "runs"))

    let output = Path.GetFullPath(arguments.GetResult(PaperArgument.Out, Path.Combine(work, "ntmlab.pdf")))

    let budget, why =
        match arguments.TryGetResult PaperArgument.Budget, Paper.lastBudget runs with
        | Some budget, _ -> budget, "as asked for"
        | None, Some budget -> budget, $"the study made last in {runs}"
        | None, None -> StudyBudget.Full, $"the results that came along, since {runs} has no study"

    for part in StudyParts.all do
        let script = Path.Combine(root, "experiments", part.Script)

        if not (File.Exists script) then
            raise (
                PaperException $"{script}: is missing; it makes the chapter '{part.Chapter}' of the paper."
            )

    eprintfn "budget: %s (%s)" (Paper.nameOf budget) why
    renew generated

    for part in StudyParts.all do
        gather {
            StudyWork.session root runs budget (arguments.Contains PaperArgument.Verbose) part with
                Work = Gather
                Report = Some generated
        }

    let chapters = [ for part in StudyParts.all -> part.Chapter ] |> Paper.read generated

    Paper.write generated chapters
    Paper.require paper
    let built = PaperBuild.make paper (Path.Combine(work, "build")) output

    if built.TooWide > 0 then
        eprintfn "lines that are too wide for their column: %d (%s)" built.TooWide built.Log

    if arguments.Contains PaperArgument.Publish then
        let folder = Path.Combine(StudyWork.archive root, Paper.nameOf budget)
        Summary.publish generated folder chapters
        Console.Out.WriteLine $"published: {folder}"

    Console.Out.WriteLine $"paper: {output}"
    0

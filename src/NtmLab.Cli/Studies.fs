/// `ntmlab study`: makes the memory-length study, part by part.
module NtmLab.Cli.Studies

open System
open System.IO
open Argu
open NtmLab
open NtmLab.Configuration
open NtmLab.Sweeps

/// Those parts that were named, each with its place among all.
let private chosen (names: string list) : (int * StudyParts.Part) list =
    let known = [ for part in StudyParts.all -> part.Chapter ]

    for name in names do
        if not (List.contains name known) then
            raise (
                ConfigurationException
                    $"--part: the study has no part '{name}'; {Suggestion.For(name, known)}"
            )

    StudyParts.all
    |> List.indexed
    |> List.filter (fun (_, part) -> names.IsEmpty || List.contains part.Chapter names)

/// How many processes share the work.
let private jobs (arguments: ParseResults<StudyArgument>) (launcher: Launcher) : int =
    let most =
        match launcher with
        | Launcher.Slurm -> StudyOnSlurm.mostJobs
        | _ -> Int32.MaxValue

    let jobs = arguments.GetResult(StudyArgument.Jobs, Environment.ProcessorCount)

    if jobs < 1 || jobs > most then
        let accepted =
            if most = Int32.MaxValue then
                "1 or more is"
            else
                $"1 to {most} are"

        raise (ConfigurationException $"--jobs {jobs}: is not allowed; {accepted}.")

    jobs

/// Makes the parts one after the other, or takes what is there of them; gives what they used.
let private here (jobs: int) (gather: bool) (parts: (int * Session) list) : Findings.Archive list = [
    for place, session in parts do
        eprintfn "== %s" StudyParts.all[place].Chapter

        if gather then
            StudyWork.gather session |> Option.iter (eprintfn "%s")
        else
            StudyWork.make jobs session

        Study.used ()
]

let private publish (root: string) (used: Findings.Archive list) : unit =
    let kept = StudyWork.archive root
    Findings.write kept (List.fold Findings.add (Findings.read kept) used)
    printfn "kept in %s" kept

let private toldFor (what: string) (given: bool) (launcher: Launcher) : unit =
    if given && launcher <> Launcher.Slurm then
        raise (ConfigurationException $"{what}: is for --launcher slurm alone.")

/// `ntmlab study`.
let run (arguments: ParseResults<StudyArgument>) : int =
    let root = Repository.root.Value
    let budget = arguments.GetResult(StudyArgument.Budget, StudyBudget.Quick)
    let runs = Path.GetFullPath(arguments.GetResult(StudyArgument.Runs, "runs"))
    let launcher = arguments.GetResult(StudyArgument.Launcher, Launcher.Local)
    let detach, cancel = arguments.Contains StudyArgument.Detach, arguments.Contains StudyArgument.Cancel
    let options = arguments.GetResults StudyArgument.Slurm |> List.map SlurmJob.parseOption
    let jobs = jobs arguments launcher
    toldFor "--slurm" (not options.IsEmpty) launcher
    toldFor "--detach" detach launcher
    toldFor "--cancel" cancel launcher

    let parts = [
        for place, part in chosen (arguments.GetResults Part) ->
            let session = StudyWork.session root runs budget (arguments.Contains StudyArgument.Verbose) part

            // The archive does not spare what is asked for anew.
            place,
            if arguments.Contains Anew then
                { session with Archive = None }
            else
                session
    ]

    let gather = arguments.Contains StudyArgument.Gather
    let folder = StudyOnSlurm.folder runs budget

    let told (used: Findings.Archive list) =
        if arguments.Contains StudyArgument.Publish then
            publish root used

        let report = Path.Combine(runs, "report", Paper.nameOf budget)
        printfn $"tables and figures: {report}"
        printfn $"the paper: ntmlab paper --budget {Paper.nameOf budget}"

    match launcher with
    | Launcher.Slurm when cancel ->
        eprintfn
            "cancelled %d tasks; the same command without --cancel goes on with the study"
            (SlurmQueue.cancel folder)
    | Launcher.Slurm when not gather ->
        if StudyOnSlurm.make options folder jobs detach parts then
            told (here jobs true parts)
        else
            printfn $"job scripts and logs: {folder}"
    | _ -> told (here jobs gather parts)

    0

/// Makes the memory-length study on a Slurm cluster that shares the folder of runs.
module NtmLab.Cli.StudyOnSlurm

open System.IO
open NtmLab
open NtmLab.Sweeps

/// The most workers of a part: Slurm's arrays end at an index of 1 000, unless it is told otherwise.
let mostJobs = 100

/// Where the job scripts and logs of a study are kept.
let folder (runs: string) (budget: StudyBudget) : string = Path.Combine(runs, "studies", Paper.nameOf budget)

/// So many workers for each part, given with its place among all of them.
let private job (folder: string) (jobs: int) (parts: (int * Session) list) : SlurmJob = {
    Name = "ntmlab-study"
    About =
        "Workers at the parts of a study, which share its runs; one that is started again goes on with what is missing."
    Folder = folder
    Cores = 1
    AtATime = Some jobs
    Tasks = [
        for place, session in parts do
            for number in 0 .. jobs - 1 ->
                mostJobs * place + number, Repository.program @ StudyWork.worker session
    ]
}

/// Says how many tasks wait and work, whenever that changes.
let private telling (say: string -> unit) : Map<int, Slurm.SlurmTask> -> unit =
    let mutable said = None

    fun tasks ->
        let live = tasks |> Map.values |> Seq.filter Slurm.isLive |> Seq.toList

        let waiting, working = live |> List.partition (fun task -> task.State = "PENDING")

        let sentence = $"{working.Length} workers at it, {waiting.Length} wait"

        if said <> Some sentence then
            said <- Some sentence
            say sentence

/// Hands over workers for those parts, given with their places, in which something is missing, and follows them unless they are to be
/// left alone. Gives whether that has come to its end.
let make
    (options: (string * string) list)
    (folder: string)
    (jobs: int)
    (detach: bool)
    (parts: (int * Session) list)
    : bool =
    let say (sentence: string) = eprintfn "%s" sentence

    match parts |> List.filter (fun (_, session) -> (StudyWork.gather session).IsSome) with
    | [] -> true
    | missing ->
        Directory.CreateDirectory(Path.Combine(folder, "logs")) |> ignore
        job folder jobs missing |> SlurmQueue.submit options say |> ignore

        if detach then
            false
        else
            use signals = new StopSignals()
            SlurmQueue.follow folder say (telling say) signals.Token |> ignore
            not signals.Token.IsCancellationRequested

/// Finds what the command line names: runs, and the memories that they kept.
module NtmLab.Cli.RunLookup

open System.IO
open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Runs
open NtmLab.Runs.Store

/// The runs of a folder, from the store if there is one; what is left out is said.
let openRuns (runs: string) : IRunSource =
    RunSources.Open(runs, (fun sentence -> eprintfn "ntmlab: %s" sentence))

/// `missing` is what there is none of, for the sentence that says so.
let private noSuch (missing: string) (source: IRunSource) (run: string) : exn =
    let known = source.List() |> Seq.map _.Record.Id
    ConfigurationException $"{missing} '{run}'; {Suggestion.For(run, known)}"

/// The folder of a run given by id or path, if it lies here.
let private folderOf (runs: string) (run: string) : string option =
    [ run; Path.Combine(runs, run) ]
    |> List.tryFind RunFolder.IsRun
    |> Option.map Path.GetFullPath

let private findRunOr (missing: string) (runs: string) (run: string) : string =
    match folderOf runs run with
    | Some directory -> directory
    | None ->
        use source = openRuns runs

        match source.Find run with
        | null -> raise (noSuch missing source run)
        | known -> known.RequiredDirectory

/// The folder of a run given by id or path.
let findRun: string -> string -> string = findRunOr "there is no run"

/// A run given by id or path, with the source that it is read from.
let findKnown (runs: string) (run: string) : IRunSource * KnownRun =
    match folderOf runs run with
    | Some directory ->
        let parent = Path.GetDirectoryName directory |> Option.ofObj |> Option.defaultValue runs
        new RunFolders(parent), KnownRun(RunFolder.ReadRecord directory, directory)
    | None ->
        let source = openRuns runs

        match source.Find run with
        | null ->
            use source = source
            raise (noSuch "there is no run" source run)
        | known -> source, known

/// The file of the memory that a run kept.
let memoryOf (directory: string) : string =
    let file = RunFolder.MemoryOf directory

    if not (File.Exists file) then
        let most = MemoryFile.SizeLimit / 1048576L

        raise (
            RunException
                $"{Path.GetFileName directory}: keeps no memory; finished runs of models with a memory do, where it takes at most {most} MiB."
        )

    file

/// The file of a memory given by its path or by the run that kept it.
let findMemory (runs: string) (given: string) : string =
    if File.Exists given then
        Path.GetFullPath given
    else
        memoryOf (findRunOr "--memory: there is neither a file nor a run" runs given)

namespace NtmLab.Sweeps

open NtmLab
open NtmLab.Configuration

/// One run of a sweep.
type SweepCell = {
    /// Its place in the sweep, from 0.
    Index: int
    /// The experiment's name where the script describes several.
    Only: string option
    /// What the sweep sets, the seed included.
    Settings: Setting list
    Configuration: ExperimentConfiguration
    /// Equal for configurations whose runs are the same.
    Identity: string
}

/// Makes the cells of a sweep.
[<RequireQualifiedAccess>]
module SweepCell =

    /// Every point of a plan for every experiment of a script, resolved and checked; what would be the same run is one cell.
    let all (experiments: ExperimentConfiguration list) (plan: SweepPlan) : SweepCell list =
        [
            for experiment in experiments do
                for settings in SweepPlan.points plan do
                    let overrides = [ for setting in settings -> $"{setting.Path}={setting.Value}" ]
                    let resolved = ConfigurationOverride.Apply(experiment, overrides)

                    {
                        Index = 0
                        Only = if experiments.Length > 1 then Some experiment.Name else None
                        Settings = settings
                        Configuration = resolved
                        Identity = RunCells.identity resolved
                    }
        ]
        |> List.distinctBy _.Identity
        |> List.mapi (fun index cell -> { cell with Index = index })

    /// What tells a cell from the others, in words.
    let label (cell: SweepCell) : string =
        [
            yield! Option.toList cell.Only
            for setting in cell.Settings -> $"{setting.Path}={setting.Value}"
        ]
        |> function
            | [] -> cell.Configuration.Name
            | parts -> String.concat " " parts

    /// The arguments of `ntmlab` that make the cell's run, or go on with it.
    let arguments (script: string) (runs: string) (threads: int) (retry: bool) (cell: SweepCell) : string list = [
        "run"
        script
        "--once"
        if retry then
            "--retry-failed"
        for name in Option.toList cell.Only do
            "--only"
            name
        for setting in cell.Settings do
            "--set"
            $"{setting.Path}={setting.Value}"
        "--threads"
        string threads
        "--runs"
        runs
    ]

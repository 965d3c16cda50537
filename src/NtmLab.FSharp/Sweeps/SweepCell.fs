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
    /// What tells it from the sweep's other cells, in words.
    Label: string
    Configuration: ExperimentConfiguration
    /// Equal for configurations whose runs are the same.
    Identity: string
}

/// Makes the cells of a sweep.
[<RequireQualifiedAccess>]
module SweepCell =

    /// Names the experiment where there are several, and what differs between the points.
    let private label
        (varied: Set<string>)
        (only: string option)
        (name: string)
        (settings: Setting list)
        : string =
        [
            yield! Option.toList only
            for setting in settings do
                if varied.Contains setting.Path then
                    $"{setting.Path}={setting.Value}"
        ]
        |> function
            | [] -> name
            | parts -> String.concat " " parts

    /// Every point of a plan for every experiment of a script, resolved and checked; what would be the same run is one cell.
    let all (experiments: ExperimentConfiguration list) (plan: SweepPlan) : SweepCell list =
        let points = SweepPlan.points plan

        let varied =
            List.concat points
            |> List.distinct
            |> List.countBy _.Path
            |> List.filter (fun (_, values) -> values > 1)
            |> List.map fst
            |> set

        [
            for experiment in experiments do
                for settings in points do
                    let overrides = [ for setting in settings -> $"{setting.Path}={setting.Value}" ]

                    let only =
                        if experiments.Length > 1 then
                            Some experiment.Name
                        else
                            None

                    let resolved = ConfigurationOverride.Apply(experiment, overrides)

                    {
                        Index = 0
                        Only = only
                        Settings = settings
                        Label = label varied only experiment.Name settings
                        Configuration = resolved
                        Identity = RunCells.identity resolved
                    }
        ]
        |> List.distinctBy _.Identity
        |> List.mapi (fun index cell -> { cell with Index = index })

    /// The arguments of `ntmlab` that make the cell's run, or go on with it.
    let arguments
        (script: string)
        (runs: string)
        (threads: int)
        (retry: bool)
        (cell: SweepCell)
        : string list = [
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

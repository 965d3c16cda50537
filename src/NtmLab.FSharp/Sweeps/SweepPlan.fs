namespace NtmLab.Sweeps

open NtmLab

/// What a sweep varies.
type SweepPlan = {
    /// The options, in the order in which they are set.
    Axes: SweepAxis list
    /// The seeds of every point; none for the script's own.
    Seeds: uint64 list
    /// How many points are drawn; none for all combinations of the values.
    Random: int option
    /// Decides which points are drawn.
    SweepSeed: uint64
}

/// An option and its value, as they are written.
type Setting = { Path: string; Value: string }

/// Lays out the points of a sweep.
[<RequireQualifiedAccess>]
module SweepPlan =

    /// Reads what the command line gives: options as `path=a,b,c`, seeds as `1..5`.
    let parse
        (options: string list)
        (seeds: string option)
        (random: int option)
        (sweepSeed: uint64)
        : SweepPlan =
        let axes = List.map SweepAxis.parse options
        let seeds = seeds |> Option.map SweepSeeds.parse |> Option.defaultValue []

        let paths = [
            for axis in axes do
                axis.Path

            if not seeds.IsEmpty then
                "seed"
        ]

        for path, count in List.countBy id paths do
            if count > 1 then
                raise (ConfigurationException $"--set {path}: is given twice; all values stand in one list.")

        match random with
        | Some points when points < 1 ->
            raise (ConfigurationException $"--random {points}: is not allowed; 1 point or more is.")
        | Some _ when axes.IsEmpty ->
            raise (
                ConfigurationException
                    "--random: there is nothing to draw from; name options, e.g. --set training.optimiser.learningRate=log(1e-4,1e-2)."
            )
        | _ -> ()

        for axis in axes do
            match axis.Values, random with
            | Listed _, _
            | _, Some _ -> ()
            | _ ->
                raise (
                    ConfigurationException
                        $"--set {axis.Path}: values of a range are drawn; --random N says how many points."
                )

        { Axes = axes; Seeds = seeds; Random = random; SweepSeed = sweepSeed }

    let rec private combinations (axes: SweepAxis list) : Setting list list =
        match axes with
        | { Path = path; Values = Listed values } :: others -> [
            for value in values do
                for rest in combinations others do
                    { Path = path; Value = value } :: rest
          ]
        | _ :: others -> combinations others
        | [] -> [ [] ]

    /// A stream for each option and point: more points, or another option, leave those that were drawn as they are.
    let private drawn (plan: SweepPlan) (point: int) : Setting list = [
        for axis in plan.Axes do
            let stream = RandomStream(plan.SweepSeed, $"sweep {axis.Path}", uint64 point)
            { Path = axis.Path; Value = SweepAxis.draw stream axis }
    ]

    /// The points, each with its seed as the last setting where the plan names seeds; the seeds of a point follow each other.
    let points (plan: SweepPlan) : Setting list list =
        let points =
            match plan.Random with
            | None -> combinations plan.Axes
            | Some count -> [ for point in 0 .. count - 1 -> drawn plan point ]

        match plan.Seeds with
        | [] -> points
        | seeds -> [
            for point in points do
                for seed in seeds do
                    point @ [ { Path = "seed"; Value = string seed } ]
          ]

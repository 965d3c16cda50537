/// A Slurm cluster of this one machine, from the project's own script.
module NtmLab.Tests.Cli.SlurmCluster

open System.IO
open NtmLab.Tests

let private cluster: Lazy<Result<string, string>> =
    lazy
        let folder = Directory.CreateTempSubdirectory("ntmlab-slurm-").FullName

        Services.start "slurm" folder []
        |> Result.map (fun () -> Path.Combine(folder, "slurm.conf"))

/// The environment that leads Slurm's commands to it; skips the test where there is none.
let environment () : (string * string) list = [ "SLURM_CONF", Services.require cluster ]

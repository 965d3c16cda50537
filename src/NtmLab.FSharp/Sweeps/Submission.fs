namespace NtmLab.Sweeps

open System.IO
open System.Text.Json
open NtmLab
open NtmLab.Configuration

/// Jobs that were handed to a cluster, as a folder keeps them beside their scripts and logs.
type Submission = { Job: string; Cells: int list }

/// What was handed over from a folder.
[<RequireQualifiedAccess>]
module Submission =

    let private file (folder: string) : string = Path.Combine(folder, "jobs.json")

    /// What was handed to a cluster, oldest first.
    let all (folder: string) : Submission list =
        try
            if File.Exists(file folder) then
                JsonSerializer.Deserialize<Submission list>(
                    File.ReadAllText(file folder),
                    ConfigurationJson.Options
                )
                |> nonNull
            else
                []
        with :? JsonException as fault ->
            raise (
                RunException(
                    $"{file folder}: is damaged; remove it once no job of that folder is left in the queue.",
                    fault
                )
            )

    /// Notes what was handed to a cluster.
    let note (folder: string) (submission: Submission) : unit =
        let submissions = all folder @ [ submission ]

        AtomicFile.Write(
            file folder,
            fun stream -> JsonSerializer.Serialize(stream, submissions, ConfigurationJson.Options)
        )

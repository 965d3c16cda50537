/// `ntmlab test` and `format`: for those who work at the laboratory itself.
module NtmLab.Cli.Development

open System
open NtmLab

/// `ntmlab test`: builds the tests and runs them with the given options, without colours in a file or a pipe; without options in three
/// processes side by side.
let test (options: string list) : int =
    match Repository.build "tests/NtmLab.Tests" with
    | 0 ->
        let plain =
            if Console.IsOutputRedirected then
                [ "--colours"; "0"; "--no-spinner" ]
            else
                []

        let run (options: string list) =
            "artifacts/bin/NtmLab.Tests/release/NtmLab.Tests.dll" :: options @ plain

        match options with
        | [] ->
            Repository.dotnetSideBySide [
                for part in [ "inside"; "commands"; "others" ] -> run [ "--part"; part ]
            ]
        | _ -> Repository.dotnet (run options)
    | failed -> failed

/// `ntmlab format`: formats F# with Fantomas and C# with `dotnet format`; `--check` only checks.
let format (options: string list) : int =
    let check =
        match options with
        | [] -> false
        | [ "--check" ] -> true
        | other ->
            let given = String.Join(" ", other)
            raise (ConfigurationException $"format: '{given}' is not an option; --check is the only one.")

    let fantomas =
        Repository.dotnet [
            "fantomas"
            if check then
                "--check"
            else
                ()
                "src"
                "tests"
                "experiments"
        ]

    let csharp =
        Repository.dotnet [
            "format"
            "NtmLab.sln"
            "--no-restore"
            "--verbosity"
            "quiet"
            if check then
                "--verify-no-changes"
        ]

    if fantomas = 0 && csharp = 0 then 0 else 1

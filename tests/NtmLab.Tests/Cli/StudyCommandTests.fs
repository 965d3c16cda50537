module NtmLab.Tests.Cli.StudyCommandTests

open System.IO
open Expecto
open NtmLab.Tests.Cli.CommandLine

let tests =
    testList "StudyCommand" [
        test "a part makes what is missing, and the same command then makes nothing" {
            within (fun folder ->
                let study () =
                    run [
                        "study"
                        "--budget"
                        "smoke"
                        "--part"
                        "path-length"
                        "--runs"
                        folder
                        "--jobs"
                        "1"
                    ]

                let first = study ()
                Expect.equal first.Code 0 first.Errors
                Expect.stringContains first.Errors "to be measured; now: path-length, rnn" "it measures"

                Expect.stringContains
                    first.Output
                    "Holds: over 10 000 steps: lstm 10002 layers"
                    "the verdict"

                let report = Path.Combine(folder, "report", "smoke", "path-length.json")
                Expect.isTrue (File.Exists report) "the chapter"
                let second = study ()
                Expect.equal second.Code 0 second.Errors
                Expect.isFalse (second.Errors.Contains "to be measured") "nothing is missing"
                Expect.stringContains second.Output "Holds" "and the same is said")
        }

        test "parts that there are none of, and no processes at all, are refused in a sentence" {
            let refused (words: string) (options: string list) =
                let outcome = run ("study" :: options)
                Expect.equal (outcome.Code, outcome.Output) (2, "") words
                Expect.stringContains outcome.Errors words "the sentence"

            refused "the study has no part 'costs'; did you mean 'cost'?" [ "--part"; "costs" ]
            refused "--jobs 0" [ "--jobs"; "0" ]
            refused "--budget" [ "--budget"; "huge" ]
            refused "--detach: is for --launcher slurm alone" [ "--detach" ]
            refused "--jobs 101: is not allowed; 1 to 100 are" [ "--launcher"; "slurm"; "--jobs"; "101" ]
        }

        test "workers on Slurm make a part, and a second launch submits none" {
            let cluster = SlurmCluster.environment ()

            within (fun folder ->
                let study (arguments: string list) =
                    runWith
                        cluster
                        ([ "study"; "--budget"; "smoke"; "--part"; "path-length"; "--runs"; folder ]
                         @ [ "--launcher"; "slurm"; "--jobs"; "2"; "--anew"; "--slurm"; "time=10" ]
                         @ arguments)

                let scripts () = Directory.GetFiles(folder, "job-*.sh", SearchOption.AllDirectories)
                let first = study []
                Expect.equal first.Code 0 first.Errors
                Expect.stringContains first.Output "Holds: over 10 000 steps" "the verdict"
                Expect.equal (scripts ()).Length 1 "the job script is kept"
                let second = study []
                Expect.equal (second.Code, (scripts ()).Length) (0, 1) second.Errors
                let cancelled = study [ "--cancel" ]
                Expect.stringContains cancelled.Errors "cancelled 0 tasks" "nothing is left in the queue")
        }

        test "a paper on a study with a hole names what is missing" {
            within (fun folder ->
                let outcome = run [ "paper"; "--budget"; "smoke"; "--runs"; folder ]
                Expect.equal outcome.Code 1 outcome.Errors
                Expect.stringContains outcome.Errors "of the study are missing" "the sentence"
                Expect.stringContains outcome.Errors "lag-needle-" "names the first")
        }
    ]

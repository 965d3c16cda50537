module NtmLab.Tests.Configuration.ConfigurationJsonTests

open System.Text.Json.Nodes
open Expecto
open NtmLab
open NtmLab.Configuration
open NtmLab.Tests
open NtmLab.Tests.Configuration.GeneratedConfiguration

let private config = { FsCheckConfig.defaultConfig with arbitrary = [ typeof<Arbitraries> ] }

let private throughText (configuration: ExperimentConfiguration) : ExperimentConfiguration =
    let text = (ConfigurationJson.Write configuration).ToJsonString()
    ConfigurationJson.Read((nonNull (JsonNode.Parse text)).AsObject(), plain)

let private read (change: JsonObject -> unit) : unit =
    let document = ConfigurationJson.Write plain
    change document
    ConfigurationJson.Read(document, plain) |> ignore

let private group (document: JsonObject) (key: string) : JsonObject = (nonNull document[key]).AsObject()

let tests =
    testList "ConfigurationJson" [
        testPropertyWithConfig
            config
            "writing and reading gives equal options"
            (fun (configuration: ExperimentConfiguration) ->
                let again = throughText configuration
                Expect.equal again.Name configuration.Name "name"
                Expect.equal again.Summary configuration.Summary "summary"
                Expect.equal again.Seed configuration.Seed "seed"
                Expect.equal again.Compute configuration.Compute "compute"
                Expect.equal again.Task configuration.Task "task"
                Expect.equal again.Model configuration.Model "model"
                Expect.equal again.Training configuration.Training "training"

                let lengths (configuration: ExperimentConfiguration) =
                    List.ofSeq configuration.Evaluation.Lengths

                Expect.equal (lengths again) (lengths configuration) "lengths"
                Expect.equal again.Evaluation.Sequences configuration.Evaluation.Sequences "evaluation")

        testPropertyWithConfig
            config
            "writing what was read gives the same document"
            (fun (configuration: ExperimentConfiguration) ->
                let text (configuration: ExperimentConfiguration) =
                    (ConfigurationJson.Write configuration).ToJsonString()

                Expect.equal (text (throughText configuration)) (text configuration) "one resolved form")

        testPropertyWithConfig
            config
            "writing and reading gives a configuration that equals the first"
            (fun (configuration: ExperimentConfiguration) ->
                Expect.equal (throughText configuration) configuration "as records compare")

        test "an unknown key is refused with its place" {
            Faults.says<ConfigurationException> [ "training" ] (fun () ->
                read (fun document -> (group document "training")["sped"] <- 3))
        }

        test "a missing part is refused by name" {
            Faults.says<ConfigurationException> [ "evaluation"; "missing" ] (fun () ->
                read (fun document -> document.Remove "evaluation" |> ignore))
        }

        test "a value of the wrong type is refused with what is accepted" {
            Faults.says<ConfigurationException> [ "training.batch"; "a whole number" ] (fun () ->
                read (fun document -> (group document "training")["batch"] <- "many"))
        }

        test "an optimiser's option of the wrong type is refused with what is accepted" {
            Faults.says<ConfigurationException>
                [ "training.optimiser.decay"; "accepted: a number" ]
                (fun () ->
                    read (fun document -> (group (group document "training") "optimiser")["decay"] <- "slow"))
        }

        for part, accepted in
            [
                "optimiser", "kind rms-prop or adam"
                "schedule", "kind constant or linear"
                "curriculum", "kind uniform or fixed"
            ] do
            test $"a training whose {part} has no kind is refused with the known ones" {
                Faults.says<ConfigurationException> [ $"training.{part}:"; accepted ] (fun () ->
                    read (fun document -> (group (group document "training") part).Remove "kind" |> ignore))
            }

        test "a controller without a kind is refused with the known ones" {
            Faults.says<ConfigurationException> [ "model.controller:"; "kind lstm or gru" ] (fun () ->
                read (fun document -> (group (group document "model") "controller").Remove "kind" |> ignore))
        }

        test "an unknown kind is refused with the known ones" {
            Faults.says<ConfigurationException> [ "task.kind"; "'cpy'"; "copy" ] (fun () ->
                read (fun document -> (group document "task")["kind"] <- "cpy"))
        }

        test "a group in place of a value is refused" {
            Faults.sentence<ConfigurationException>(fun () ->
                read (fun document -> (group document "task")["bits"] <- JsonObject()))
            |> ignore
        }

        for part in [ "task"; "model"; "training"; "name"; "seed" ] do
            test $"a value of another form in place of {part} is refused" {
                Faults.says<ConfigurationException> [ part ] (fun () ->
                    read (fun document -> document[part] <- JsonArray()))
            }

        test "a kind that is no text is refused" {
            Faults.says<ConfigurationException> [ "model.kind" ] (fun () ->
                read (fun document -> (group document "model")["kind"] <- 7))
        }
    ]

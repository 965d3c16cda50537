module NtmLab.Tests.Configuration.ConfigurationOverrideTests

open System.Text.Json.Nodes
open Expecto
open NtmLab
open NtmLab.Configuration
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Tests
open NtmLab.Tests.Configuration.GeneratedConfiguration
open NtmLab.Training

let private apply (overrides: string list) : ExperimentConfiguration =
    ConfigurationOverride.Apply(plain, overrides)

let private refused (words: string list) (overrides: string list) : unit =
    Faults.says<ConfigurationException> words (fun () -> apply overrides |> ignore)

/// The options of a configuration with their values as JSON, by path.
let private options (configuration: ExperimentConfiguration) : Map<string, string> =
    let rec paths (prefix: string) (node: JsonNode | null) = [
        match node with
        | :? JsonObject as group ->
            for pair in group do
                yield! paths (if prefix = "" then pair.Key else $"{prefix}.{pair.Key}") pair.Value
        | null -> prefix, "null"
        | value -> prefix, value.ToJsonString()
    ]

    paths "" (ConfigurationJson.Write configuration) |> Map.ofList

let private value (path: string) (configuration: ExperimentConfiguration) : string =
    Map.find path (options configuration)

/// A path, what is written after it, and the value that the option then has as JSON.
let private overrides = [
    "name", "other", "\"other\""
    "summary", "What it shows.", "\"What it shows.\""
    "seed", "7", "7"
    "compute.device", "cuda", "\"cuda\""
    "compute.engine", "reference", "\"reference\""
    "compute.threads", "3", "3"
    "task.kind", "copy", "\"copy\""
    "task.bits", "5", "5"
    "task.minLength", "2", "2"
    "task.maxLength", "9", "9"
    "model.kind", "ntm", "\"ntm\""
    "model.controller.kind", "lstm", "\"lstm\""
    "model.controller.layers", "2", "2"
    "model.controller.forgetBias", "0.5", "0.5"
    "model.controller.units", "33", "33"
    "model.controller.chronoLag", "50", "50"
    "model.controller.layerNorm", "true", "true"
    "model.controller.skip", "true", "true"
    "model.controller.firstState", "zero", "\"zero\""
    "model.embedding", "0", "0"
    "model.slots", "64", "64"
    "model.width", "12", "12"
    "model.readHeads", "2", "2"
    "model.writeHeads", "4", "4"
    "model.shiftWidth", "5", "5"
    "model.entropyPrice", "0.25", "0.25"
    "model.writePrice", "0.5", "0.5"
    "model.discretise", "true", "true"
    "model.initialMemory", "0.25", "0.25"
    "model.initialSpread", "0.5", "0.5"
    "model.initialKeyStrength", "5", "5"
    "model.interfaceGain", "2.5", "2.5"
    "training.sequences", "1_000_000", "1000000"
    "training.batch", "8", "8"
    "training.curriculum.kind", "uniform", "\"uniform\""
    "training.lengths", "each", "\"each\""
    "training.optimiser.kind", "rms-prop", "\"rms-prop\""
    "training.optimiser.learningRate", "3e-4", "0.0003"
    "training.optimiser.decay", "0.9", "0.9"
    "training.optimiser.momentum", "0", "0"
    "training.optimiser.epsilon", "1e-3", "0.001"
    "training.schedule.kind", "constant", "\"constant\""
    "training.schedule.warmUp", "2_000", "2000"
    "training.clip", "1", "1"
    "training.clipNorm", "0.5", "0.5"
    "training.skips", "3", "3"
    "training.priceWarmUp", "1000", "1000"
    "training.solved.score", "0.5", "0.5"
    "training.solved.window", "100", "100"
    "training.solved.continue", "50", "50"
    "training.evaluateEvery", "5000", "5000"
    "training.checkpointEvery", "1000", "1000"
    "evaluation.lengths", "5,6,7", "[5,6,7]"
    "evaluation.sequences", "11", "11"
    "evaluation.sequencesWhileTraining", "12", "12"
    "evaluation.slotsPerStep", "1.5", "1.5"
]

let private reaching =
    testList "paths" [
        for path, text, expected in overrides do
            test $"{path}={text} sets that option and no other" {
                let resolved = options (apply [ $"{path}={text}" ])
                let untouched = Map.remove path
                Expect.equal resolved[path] expected "the option"
                Expect.equal (untouched resolved) (untouched (options plain)) "the others"
            }

        test "every option has a path that was tried" {
            let tried = overrides |> List.map (fun (path, _, _) -> path) |> set
            Expect.equal (options plain |> Map.keys |> set) tried "a new option needs a row above"
        }

        test "later overrides win" {
            Expect.equal (value "model.slots" (apply [ "model.slots=64"; "model.slots=32" ])) "32" "in order"
        }

        test "another kind starts from its own defaults" {
            let configuration = apply [ "model.controller.units=7"; "model.controller.kind=feed-forward" ]

            Expect.equal
                (configuration.Model :?> NtmOptions).Controller
                (FeedForwardControllerOptions())
                "100 units again"
        }

        test "options of another kind can follow it" {
            let configuration = apply [ "model.controller.kind=feed-forward"; "model.controller.units=7" ]

            Expect.equal
                (configuration.Model :?> NtmOptions).Controller
                (FeedForwardControllerOptions(Units = 7))
                "both"
        }

        test "another optimiser starts from its own defaults, and its options can follow it" {
            let optimiser overrides = (apply overrides).Training.Optimiser

            Expect.equal
                (optimiser [ "training.optimiser.learningRate=7"; "training.optimiser.kind=adam" ])
                (AdamOptions())
                "a learning rate of 0.001"

            Expect.equal
                (optimiser [
                    "training.optimiser.kind=adam"
                    "training.optimiser.beta1=0.5"
                    "training.optimiser.beta2=0.9"
                    "training.optimiser.weightDecay=0.01"
                ])
                (AdamOptions(Beta1 = 0.5, Beta2 = 0.9, WeightDecay = 0.01))
                "all of them"
        }

        test "another schedule has its own options" {
            let schedule overrides = (apply overrides).Training.Schedule

            Expect.equal
                (schedule [
                    "training.schedule.kind=cosine"
                    "training.schedule.final=0.1"
                    "training.schedule.warmUp=50"
                ])
                (CosineSchedule(Final = 0.1, WarmUp = 50L))
                "a cosine"

            Expect.equal (schedule [ "training.schedule.kind=linear" ]) (LinearSchedule()) "a line"
        }

        for kind, set, expected in
            [
                "fixed", [ "length=5" ], FixedCurriculum(Length = 5) :> Curriculum
                "linear", [ "from=2"; "over=0.7" ], LinearCurriculum(From = 2, Over = 0.7)
                "exponential", [ "from=2"; "over=0.7" ], ExponentialCurriculum(From = 2, Over = 0.7)
                "promote",
                [ "score=0.5"; "window=7"; "step=2"; "factor=1.5" ],
                PromoteCurriculum(Score = 0.5, Window = 7, Step = 2, Factor = 1.5)
                "look-and-say",
                [ "score=0.5"; "window=7"; "wholeShare=0.2"; "backShare=0.3"; "forwardShare=0.5" ],
                LookAndSayCurriculum(
                    Score = 0.5,
                    Window = 7,
                    WholeShare = 0.2,
                    BackShare = 0.3,
                    ForwardShare = 0.5
                )
                "prediction-gain",
                [ "arms=4"; "eta=0.1"; "epsilon=0.2"; "beta=0.3"; "reservoir=50" ],
                PredictionGainCurriculum(Arms = 4, Eta = 0.1, Epsilon = 0.2, Beta = 0.3, Reservoir = 50)
            ] do
            test $"the curriculum {kind} can be chosen, and has its own options" {
                let curriculum (set: string list) =
                    let options = $"kind={kind}" :: set
                    (apply (options |> List.map (sprintf "training.curriculum.%s"))).Training.Curriculum

                Expect.equal (curriculum set) expected "all of them"
                Expect.equal ((curriculum []).GetType()) (expected.GetType()) "or none"
            }

        test "another task has its own options" {
            let task = (apply [ "task.kind=needle"; "task.maxLag=70"; "task.distractors=blank" ]).Task
            Expect.equal task (NeedleTask(MaxLag = 70, Distractors = Distractors.Blank)) "a needle"
        }

        for kind, option, value, expected in
            [
                "copy-memory", "maxLag", "1000", CopyMemoryTask(MaxLag = 1000) :> SequenceTask
                "adding", "maxLength", "750", AddingTask(MaxLength = 750)
                "mqar", "fillers", "blank", MqarTask(Fillers = Fillers.Blank)
                "selective-copy", "alphabet", "14", SelectiveCopyTask(Alphabet = 14)
            ] do
            test $"the task {kind} has its own {option}" {
                let task =
                    (apply [ $"task.kind={kind}"; $"task.{option}={value}"; "evaluation.lengths=50" ]).Task

                Expect.equal task expected "and its own defaults"
            }

        test "a list can be written as JSON" {
            Expect.equal
                (value "evaluation.lengths" (apply [ "evaluation.lengths=[3, 4]" ]))
                "[3,4]"
                "with brackets"
        }

        test "nothing to override leaves everything" {
            Expect.equal (options (apply [])) (options plain) "the configuration itself"
        }

        test "a value may hold an equals sign" {
            Expect.equal (apply [ "summary=a=b" ]).Summary "a=b" "only the first one separates"
        }
    ]

let private faults =
    testList "faults" [
        for unknown, suggestion in
            [
                "model.slot", "model.slots"
                "model.Slots", "model.slots"
                "training.optimizer.learningRate", "training.optimiser.learningRate"
                "sed", "seed"
                "task.maxlenght", "task.maxLength"
            ] do
            test $"the unknown path {unknown} suggests {suggestion}" {
                refused [ $"'{unknown}'"; $"did you mean '{suggestion}'?" ] [ $"{unknown}=1" ]
            }

        test "a path that is near nothing lists what is known" {
            refused [ "'something.else.entirely'"; "model.slots"; "seed" ] [ "something.else.entirely=1" ]
        }

        for text in [ "model.slots"; "=5"; "" ] do
            test $"'{text}' is refused for its form" { refused [ "path=value" ] [ text ] }

        test "a group is refused with its options" {
            refused [ "task"; "group"; "task.bits" ] [ "task=copy" ]
        }

        for text in [ "model.slots.deep=1"; "model..slots=1"; ".=1"; "model.=1" ] do
            test $"the path of {text} is refused" { refused [ "there is no option" ] [ text ] }

        for text, wanted in
            [
                "model.slots=many", "a number"
                "model.slots=", "a number"
                "model.slots=null", "a number"
                "model.slots=true", "a number"
                "model.slots=[5]", "a number"
                "model.slots=1.5", "a whole number"
                "model.slots=99999999999", "a whole number"
                "seed=-1", "a whole number"
                "training.clip=NaN", "a number"
                "evaluation.lengths=a,b", "a list"
                "evaluation.lengths=[1,2", "a list"
                "evaluation.lengths=1.5", "whole numbers"
                "compute.device=tpu", "cpu or cuda"
            ] do
            test $"{text} is refused, and told that {wanted} is accepted" {
                refused [ text.Split('=')[0]; wanted ] [ text ]
            }

        test "an unknown controller kind is refused with the known ones" {
            refused [ "model.controller"; "feed-forward" ] [ "model.controller.kind=transformer" ]
        }

        test "an unknown optimiser is refused with the known ones" {
            refused [ "training.optimiser"; "rms-prop or adam" ] [ "training.optimiser.kind=sgd" ]
        }

        test "an unknown schedule is refused with the known ones" {
            refused [ "training.schedule"; "constant or linear or cosine" ] [ "training.schedule.kind=steps" ]
        }

        test "an unknown curriculum is refused with the known ones" {
            refused [ "training.curriculum"; "uniform or fixed or linear or exponential or promote" ] [
                "training.curriculum.kind=steps"
            ]
        }

        test "an option of another optimiser is refused with those of this one" {
            refused [ "'training.optimiser.beta1'"; "there is no option" ] [ "training.optimiser.beta1=0.5" ]
        }

        test "an unknown model kind is refused with the known ones" {
            refused [ "model.kind"; "'perceptron'"; "ntm" ] [ "model.kind=perceptron" ]
        }

        test "a model kind that is nearly right is suggested" {
            refused [ "model.kind"; "'ntn'"; "did you mean 'ntm'?" ] [ "model.kind=ntn" ]
        }

        test "an impossible value is refused after it was set" {
            refused [ "model.slots: 0"; "1 or more" ] [ "model.slots=0" ]
        }
    ]

let tests = testList "ConfigurationOverride" [ reaching; faults ]

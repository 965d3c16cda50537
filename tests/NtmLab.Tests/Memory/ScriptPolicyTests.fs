module NtmLab.Tests.Memory.ScriptPolicyTests

open System
open System.Collections.Generic
open Expecto
open NtmLab
open NtmLab.Configuration
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tasks
open NtmLab.Tests
open TorchSharp

type private Values = IReadOnlyDictionary<string, torch.Tensor>

/// Mixes every vector into all slots alike, and reads the mean of the slots.
type private Mean() =
    inherit PolicyRule()
    override _.Name = "mean"
    override _.StartBias = [ struct ("gate", -2.0) ]

    override _.Interface(layout, width, _) = layout.Add("vector", 1, width).Add("gate", 1, 1) |> ignore

    override _.Start memory = NamedState [ struct ("strength", torch.zeros_like (memory.select (2L, 0L))) ]

    override _.Write(memory: torch.Tensor, values: Values, state: NamedState) =
        let place =
            values["gate"].sigmoid() * torch.ones_like(state["strength"]).unsqueeze 1L
            / torch.tensor (float memory.shape[1], memory.dtype)

        let vector = values["vector"].tanh()
        struct (WriteDecision(place, torch.ones_like vector, vector), state.Set("strength", place.squeeze 1L))

    override _.Read(_: torch.Tensor, _: Values, state: NamedState) =
        let even = torch.ones_like(state["strength"]).unsqueeze 1L
        struct (ReadDecision(even / even.sum (-1L, true)), state)

let private play (rule: PolicyRule) : unit =
    use scope = torch.NewDisposeScope()

    let model =
        ScriptMemoryOptions(Rule = rule, Controller = feedForward 4, Slots = 5, Width = 3)
            .Build(2, 1, RandomStream(1UL, "model"))

    model.Forward(torch.ones (2L, 3L, 2L)) |> ignore

let private says<'fault when 'fault :> NtmLabException> (words: string list) (rule: PolicyRule) : unit =
    Faults.says<'fault> ("policy 'mean'" :: words) (fun () -> play rule)

let private afterWrite (change: NamedState -> NamedState) : PolicyRule = {
    new Mean() with
        override _.Write(memory: torch.Tensor, values: Values, state: NamedState) =
            let struct (write, next) = base.Write(memory, values, state)
            struct (write, change next)
}

let private startingWith (strength: torch.Tensor -> torch.Tensor) : PolicyRule = {
    new Mean() with
        override _.Start memory = NamedState [ struct ("strength", strength memory) ]
}

/// With a price of a given shape beside the batch.
let private pricing (said: bool) (more: int64[]) : PolicyRule = {
    new Mean() with
        override _.HasPrice = said

        override _.Start memory =
            NamedState [
                struct ("strength", torch.zeros_like (memory.select (2L, 0L)))
                struct ("price", torch.zeros (Array.append [| memory.shape[0] |] more))
            ]
}

let private sound =
    testList "a script's policy" [
        test "has the interface of its parts, the state of its first one, and counts slots by their strength" {
            use policy = new ScriptPolicy(Mean(), 3, 1)
            Expect.equal policy.InterfaceSize 4 "vector and gate"
            Expect.equal (policy.StateSize 5) 5L "strength"
            Expect.isTrue policy.CountsSlots "strength says which are used"
        }

        test "starts its parts where the rule says, the others at 0" {
            use policy = new ScriptPolicy(Mean(), 3, 1)
            let bias = Array.zeroCreate<float32> 4
            policy.StartBias(bias.AsSpan())
            Expect.equal bias [| 0.0f; 0.0f; 0.0f; -2.0f |] "the gate"
        }

        test "is no policy of the catalogue" {
            let names = [ for entry in Catalog.Policies -> entry.Type ]
            Expect.isFalse (List.contains typeof<ScriptPolicy> names) "the script names it"
        }

        test "stays with its model when this is read back and changed" {
            let configuration =
                ExperimentConfiguration(
                    Name = "mean",
                    Task = CopyTask(),
                    Model = ScriptMemoryOptions(Rule = Mean())
                )

            let changed = ConfigurationOverride.Apply(configuration, [ "model.slots=9" ])

            match changed.Model with
            | :? ScriptMemoryOptions as model ->
                Expect.equal model.Slots 9 "the option"
                Expect.isNotNull model.Rule "the rule"
            | other -> failtest $"{other}"
        }

        test "runs in a model" { play (Mean()) }
    ]

let private faults =
    testList "a faulty rule" [
        test "without a decision is named" {
            says<ShapeException>
                [ "Read returned no decision" ]
                {
                    new Mean() with
                        override _.Read(_: torch.Tensor, _: Values, state: NamedState) =
                            struct (Unchecked.defaultof<ReadDecision>, state)
                }
        }

        test "without a tensor in its decision is named" {
            says<ShapeException>
                [ "Read: weighting"; "is missing" ]
                {
                    new Mean() with
                        override _.Read(_: torch.Tensor, _: Values, state: NamedState) =
                            struct (ReadDecision(Unchecked.defaultof<torch.Tensor>), state)
                }
        }

        test "with numbers of another type than the memory's is named" {
            says<ShapeException>
                [ "Read: weighting"; "Float64"; "Float32" ]
                {
                    new Mean() with
                        override _.Read(_: torch.Tensor, _: Values, state: NamedState) =
                            struct (ReadDecision(torch.zeros (2L, 1L, 5L, torch.float64)), state)
                }
        }

        test "without a state is named" {
            afterWrite (fun _ -> Unchecked.defaultof<NamedState>)
            |> says<ShapeException> [ "Write returned no state" ]
        }

        test "without a tensor in its state is named" {
            afterWrite (fun state -> state.Set("strength", Unchecked.defaultof<torch.Tensor>))
            |> says<ShapeException> [ "Write: state 'strength'"; "is missing" ]
        }

        test "with a state of another shape than before is named with both shapes" {
            afterWrite (fun state -> state.Set("strength", state["strength"].unsqueeze 1L))
            |> says<ShapeException> [ "Write: state 'strength'"; "[2, 1, 5]"; "[2, 5]" ]
        }

        test "with a state of another type than before is named with both types" {
            afterWrite (fun state -> state.Set("strength", state["strength"].``to`` torch.float64))
            |> says<ShapeException> [ "Write: state 'strength'"; "Float64"; "Float32" ]
        }

        test "with a first state of another type than the memory is named with both types" {
            startingWith (fun memory -> torch.zeros (memory.shape[0], memory.shape[1], torch.float64))
            |> says<ShapeException> [ "Start: state 'strength'"; "Float64"; "Float32, as the memory" ]
        }

        test "with a first state that is missing, or of no batch, is named" {
            startingWith (fun _ -> Unchecked.defaultof<torch.Tensor>)
            |> says<ShapeException> [ "Start: state 'strength'"; "is missing" ]

            startingWith (fun memory -> torch.zeros (1L, memory.shape[1]))
            |> says<ShapeException> [ "Start: state 'strength'"; "[1, 5]"; "[2, any]" ]
        }

        test "that has a price and does not say so, or says so and has none, is named" {
            says<ConfigurationException>
                [ "HasPrice is true"; "no 'price'" ]
                {
                    new Mean() with
                        override _.HasPrice = true
                }

            says<ConfigurationException> [ "HasPrice is false"; "a 'price'" ] (pricing false [||])
        }

        test "with a price that is not one number a sequence is named" {
            pricing true [| 1L |]
            |> says<ShapeException> [ "Start: state 'price'"; "[2, 1]"; "[2]" ]
        }

        test "with a bias of a part that it does not have is named" {
            says<ConfigurationException>
                [ "StartBias"; "'gates'"; "vector, gate" ]
                {
                    new Mean() with
                        override _.StartBias = [ struct ("gates", 1.0) ]
                }
        }

        test "without a name is refused" {
            Faults.says<ConfigurationException> [ "model.rule"; "lower case" ] (fun () ->
                play
                    {
                        new Mean() with
                            override _.Name = ""
                    })
        }
    ]

let tests = testList "ScriptPolicy" [ sound; faults ]

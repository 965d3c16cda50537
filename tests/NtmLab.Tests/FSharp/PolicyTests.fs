module NtmLab.Tests.FSharp.PolicyTests

open System
open System.Collections.Generic
open System.IO
open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tests
open TorchSharp

type private Values = IReadOnlyDictionary<string, torch.Tensor>

/// Writes to all slots alike, and reads the same share of each: of all of them, as much as a gate lets through times a factor.
let private even (factor: float) : PolicyRule = {
    new PolicyRule() with
        member _.Name = "even"

        member _.Interface(layout, width, readHeads) =
            layout.Add("gate", readHeads, 1).Add("vector", 1, width) |> ignore

        member _.Write(memory: torch.Tensor, values: Values, state: NamedState) =
            let vector, share =
                values["vector"].tanh(), torch.tensor (1.0 / float memory.shape[1], memory.dtype)

            let place = torch.ones (memory.shape[0], 1L, memory.shape[1], memory.dtype) * share
            struct (WriteDecision(place, torch.ones_like vector, vector), state)

        member _.Read(memory: torch.Tensor, values: Values, state: NamedState) =
            let share = torch.tensor (factor / float memory.shape[1], memory.dtype)
            struct (ReadDecision(values["gate"].sigmoid().expand(-1L, -1L, memory.shape[1]) * share), state)
}

/// What an action prints on standard error, and what it gives.
let private printed (action: unit -> 'T) : string * 'T =
    let before = Console.Error
    use writer = new StringWriter()
    Console.SetError writer

    try
        let result = action ()
        writer.ToString(), result
    finally
        Console.SetError before

let tests =
    testList "Policy" [
        test "check prints a line for each check, and gives them" {
            let text, report = printed (fun () -> Policy.check (even 1.0))
            Expect.isTrue report.Passed $"%A{List.ofSeq report.Findings}"
            Expect.stringContains text "policy even" "whose they are"

            for finding in report.Findings do
                Expect.stringContains text finding.Check "its line"
        }

        test "check says what is broken, and raises nothing" {
            let text, report = printed (fun () -> Policy.check (even 3.0))
            Expect.isFalse report.Passed "weightings that sum to 3"
            Expect.stringContains text "broken" "one of the lines"
        }

        test "require is content with a sound policy, and names the check that another one breaks" {
            printed (fun () -> Policy.require (even 1.0)) |> ignore

            Faults.says<PolicyException> [ "policy 'even'"; "'weightings'"; "at most 1" ] (fun () ->
                printed (fun () -> Policy.require (even 3.0)) |> ignore)
        }

        test "a policy is checked by its model's options, or made by a function" {
            let _, byOptions = printed (fun () -> Policy.checkModel (FifoOptions(Slots = 4, Width = 3)))

            let _, made =
                printed (fun () ->
                    Policy.checkMade 4 (fun _ -> new FifoPolicy(FifoOptions(Slots = 4, Width = 3))))

            Expect.isTrue (byOptions.Passed && made.Passed) "both"
            Expect.equal made.Policy byOptions.Policy "the same policy"
        }
    ]

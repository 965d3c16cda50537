/// Holds memory policies to what every model relies on, and says what was found.
[<RequireQualifiedAccess>]
module NtmLab.Policy

open NtmLab.Memory
open NtmLab.Models
open NtmLab.Native
open Spectre.Console

let private print (report: PolicyReport) : unit =
    let console = AnsiConsole.Create(AnsiConsoleSettings(Out = AnsiConsoleOutput System.Console.Error))
    let table = Table().RoundedBorder()

    for heading in [ $"policy {report.Policy}"; ""; "" ] do
        table.AddColumn heading |> ignore

    for finding in report.Findings do
        let mark =
            if finding.Passed then
                "[green]holds[/]"
            else
                "[red]broken[/]"

        table.AddRow(finding.Check, mark, Markup.Escape finding.Detail) |> ignore

    console.Write table

let private printed (run: unit -> PolicyReport) : PolicyReport =
    LibTorch.Load()
    let report = run ()
    print report
    report

/// Checks the policy of a memory model and prints what was found on standard error: shapes, weightings, gradients, independence of
/// the sequences of a batch, saving and restoring.
let checkModel (options: MemoryModelOptions) : PolicyReport = printed (fun () -> PolicyCheck.Run options)

/// Checks a policy that no options describe, in a memory of so many slots; it is made anew for each check, given the features of
/// the model's input. Prints what was found on standard error.
let checkMade (slots: int) (make: int -> MemoryPolicy) : PolicyReport =
    printed (fun () -> PolicyCheck.Run(make, slots))

/// Checks a script's own policy with 7 slots of width 4 and one read head, its shapes with one more of each too, and prints what
/// was found on standard error.
let check (rule: PolicyRule) : PolicyReport =
    checkModel (ScriptMemoryOptions(Rule = rule, Slots = 7, Width = 4))

/// Requires that a script's own policy passes every check; else raises a PolicyException with the first that it breaks.
let require (rule: PolicyRule) : unit =
    let report = check rule

    for finding in report.Findings do
        if not finding.Passed then
            raise (PolicyException $"policy '{report.Policy}' breaks '{finding.Check}': {finding.Detail}")

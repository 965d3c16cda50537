module NtmLab.Tests.FSharp.LatexTests

open System
open System.Text.RegularExpressions
open Expecto
open NtmLab
open NtmLab.Tests

/// What is left of an escaped text that LaTeX would read as a command: nothing, if commands, signs of their own and formulas are
/// taken away.
let private bare (text: string) : string =
    Regex.Replace(text, @"\$[^$]*\$|\\[a-zA-Z]+(?:\{[^{}]*\})?|\\[{}$&#%_,]", "")

let private table headings rows : Report.Table = {
    Name = "reach"
    Caption = "Steps, by model."
    Headings = headings
    Rows = rows
}

let private texts =
    testList "texts" [
        for text, printed in
            [
                "50 % of {a_b} & #1", @"50\,\% of \{a\_b\} \& \#1"
                @"a\b^c~d", @"a\textbackslash{}b\textasciicircum{}c\textasciitilde{}d"
                "a < b, c \u2265 d", @"a \textless{} b, c $\geq$ d"
                "10 000 of 128 slots", @"10\,000 of 128 slots"
                "at least 30000", @"at least 30\,000"
                "It ends at 30000.", @"It ends at 30\,000."
                "0.12345 and 12345.5", "0.12345 and 12345.5"
                "3000 steps in 2018", "3000 steps in 2018"
                "-0.13 (R\u00B2 1.00)", @"$-$0.13 (R\textsuperscript{2} 1.00)"
                "copy-memory, keep-2", "copy-memory, keep-2"
                "5E+12 or 4.2e-16", @"$5\times10^{12}$ or $4.2\times10^{-16}$"
                "1e36a3e", "1e36a3e"
                "R\u00E9 and Barwi\u0144ska", "R\u00E9 and Barwi\u0144ska"
            ] do
            test $"'{text}' is printed as {printed}" { Expect.equal (Latex.escape text) printed "in LaTeX" }

        testProperty "no text has a character that LaTeX takes for a command"
        <| fun (bytes: byte list) ->
            let text = String [| for byte in bytes -> char (32 + int byte % 95) |]
            not (Regex.IsMatch(bare (Latex.escape text), @"[\\{}$&#%_^~]"))

        test "a character that no font of the paper has is a fault that names it" {
            Faults.says<PaperException> [ "U+4E2D"; "'5 \u4E2D'" ] (fun () ->
                Latex.escape "5 \u4E2D" |> ignore)
        }

        test "a long word may be broken, a short one may not" {
            Expect.equal
                (Latex.breakable "code 0.1.0+1e36a3e0c5f7b0d9")
                @"code 0.1.0+1e\allowbreak{}36a3e0c5\allowbreak{}f7b0d9"
                "every eight characters"
        }
    ]

let private tables =
    testList "tables" [
        test "a table has rules, its first column on the left and the others on the right" {
            let lines =
                (Latex.tabular (table [ "model"; "lag" ] [ [ "lstm_2"; "-" ]; [ "ntm"; "3 000" ] ])).Split
                    '\n'

            Expect.equal
                (List.ofArray lines)
                [
                    @"\begin{tabular}{@{}lr@{}}"
                    @"\toprule"
                    @"model & lag \\"
                    @"\midrule"
                    @"lstm\_2 & -- \\"
                    @"ntm & 3\,000 \\"
                    @"\bottomrule"
                    @"\end{tabular}"
                    ""
                ]
                "a lone dash stands for no value"
        }

        test "a long heading stands in two lines" {
            Expect.stringContains
                (Latex.tabular (table [ "model"; "needle, trained at" ] []))
                @"model & \begin{tabular}[b]{@{}r@{}}needle,\\ trained at\end{tabular} \\"
                "broken near its middle"
        }

        test "a row of another length than the headings is a fault" {
            Faults.says<PaperException> [ "'reach'"; "1 cells"; "2" ] (fun () ->
                Latex.tabular (table [ "model"; "lag" ] [ [ "lstm" ] ]) |> ignore)
        }
    ]

let tests = testList "Latex" [ texts; tables ]

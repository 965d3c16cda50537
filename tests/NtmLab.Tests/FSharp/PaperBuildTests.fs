module NtmLab.Tests.FSharp.PaperBuildTests

open System
open System.IO
open Expecto
open NtmLab
open NtmLab.Tests

let private latex: Lazy<Result<unit, string>> =
    lazy
        (try
            Ok(PaperBuild.require ())
         with :? PaperException as fault ->
             eprintfn $"TESTS ARE SKIPPED, for want of LaTeX: {fault.Message}"
             Error fault.Message)

/// Makes a paper of this text.
let private make (folder: Scratch.Folder) (text: string) : PaperBuild.Built =
    File.WriteAllText(
        folder.File "paper.tex",
        @"\documentclass{article}\begin{document}"
        + "\n"
        + text
        + "\n"
        + @"\end{document}"
        + "\n"
    )

    PaperBuild.make folder.Path (folder.File "work") (folder.File "out/paper.pdf")

let tests =
    testList "PaperBuild" [
        test "where LaTeX is missing one sentence names what installs it" {
            use folder = new Scratch.Folder()
            let path = Environment.GetEnvironmentVariable "PATH"

            try
                Environment.SetEnvironmentVariable("PATH", folder.Path)
                Faults.says<PaperException> [ "LaTeX"; "latexmk"; "paper/setup" ] PaperBuild.require
            finally
                Environment.SetEnvironmentVariable("PATH", path)
        }

        test "a paper is made, and lines that are too wide for it are counted" {
            Services.require latex
            use folder = new Scratch.Folder()
            let built = make folder @"Short.\par\noindent\rule{2\textwidth}{1pt}"
            Expect.equal built.TooWide 1 "the rule"
            let head = File.ReadAllBytes(folder.File "out/paper.pdf")[..4]
            Expect.equal (Text.Encoding.ASCII.GetString head) "%PDF-" "the PDF lies where it was asked for"
        }

        test "the first fault of LaTeX is told in one sentence, with its place and the log" {
            Services.require latex
            use folder = new Scratch.Folder()

            Faults.says<PaperException>
                [ "paper.tex:3: Undefined control sequence"; @"after 'All is \unwell'"; "paper.log" ]
                (fun () -> make folder ("Fine.\n" + @"All is \unwell here.") |> ignore)

            Expect.isFalse (File.Exists(folder.File "out/paper.pdf")) "nothing was made"
        }

        test "a citation that leads nowhere is a fault" {
            Services.require latex
            use folder = new Scratch.Folder()

            Faults.says<PaperException> [ "nowhere"; "graves" ] (fun () ->
                make folder @"See \cite{graves}." |> ignore)
        }
    ]

/// The code blocks of the pages: what they are, and where they stand.
namespace NtmLab.Tests.Docs

open System
open System.IO
open NtmLab.Tests

/// One block between two fences.
type Block = {
    /// The page, from the top folder of the checkout.
    Page: string
    /// The line of the opening fence, from 1.
    Line: int
    /// The word behind the opening fence; empty where there is none.
    Language: string
    /// The lines between the fences.
    Text: string
} with

    /// Page and line, as editors understand them.
    member block.Place: string = $"{block.Page}:{block.Line}"

[<RequireQualifiedAccess>]
module Block =

    let private fence = "```"

    let rec private read (page: string) (number: int) (lines: string list) : Block list =
        match lines with
        | [] -> []
        | opening :: rest when opening.StartsWith(fence, StringComparison.Ordinal) ->
            let inside =
                rest
                |> List.takeWhile (fun line -> not (line.StartsWith(fence, StringComparison.Ordinal)))

            let block = {
                Page = page
                Line = number
                Language = opening.Substring(fence.Length).Trim()
                Text = String.Join("\n", inside) + "\n"
            }

            let after = min rest.Length (inside.Length + 1)
            block :: read page (number + 1 + after) (List.skip after rest)
        | _ :: rest -> read page (number + 1) rest

    /// The blocks of one page, in its order.
    let ofPage (page: string) : Block list =
        Path.Combine(Scratch.repository.Value, page)
        |> File.ReadLines
        |> List.ofSeq
        |> read page 1

    /// The blocks of one language on a page, in its order.
    let on (page: string) (language: string) : Block list =
        ofPage page |> List.filter (fun block -> block.Language = language)

    /// Every page that people read: those of the top folder, of docs, and of the packages.
    let pages: Lazy<string list> =
        lazy
            [
                let root = Scratch.repository.Value

                for folder in
                    [
                        root
                        Path.Combine(root, "docs")
                        yield! Directory.EnumerateDirectories(Path.Combine(root, "src"))
                    ] do
                    for page in Directory.EnumerateFiles(folder, "*.md") |> Seq.sort do
                        Path.GetRelativePath(root, page).Replace('\\', '/')
            ]

/// Texts and tables of a study in LaTeX's own writing.
[<RequireQualifiedAccess>]
module NtmLab.Latex

open System
open System.Text
open System.Text.RegularExpressions
open NtmLab

/// Characters that mean something to LaTeX, and those that its fonts have only under a name.
let private written: Map<char, string> =
    Map [
        '\\', "\\textbackslash{}"
        '{', "\\{"
        '}', "\\}"
        '$', "\\$"
        '&', "\\&"
        '#', "\\#"
        '%', "\\%"
        '_', "\\_"
        '^', "\\textasciicircum{}"
        '~', "\\textasciitilde{}"
        '"', "\\textquotedbl{}"
        '<', "\\textless{}"
        '>', "\\textgreater{}"
        '|', "\\textbar{}"
        '\n', " "
        '\t', " "
        '\u00A0', "~"
        '\u2009', "\\,"
        '\u202F', "\\,"
        '\u2013', "--"
        '\u2014', "---"
        '\u2018', "`"
        '\u2019', "'"
        '\u201C', "``"
        '\u201D', "''"
        '\u2026', "\\dots{}"
        '\u2192', "$\\rightarrow$"
        '\u2212', "$-$"
        '\u221A', "$\\surd$"
        '\u221E', "$\\infty$"
        '\u2248', "$\\approx$"
        '\u2260', "$\\neq$"
        '\u2264', "$\\leq$"
        '\u2265', "$\\geq$"
        '\u00D7', "$\\times$"
        '\u00B7', "$\\cdot$"
        '\u00B1', "$\\pm$"
        '\u00B2', "\\textsuperscript{2}"
        '\u00B3', "\\textsuperscript{3}"
        '\u207B', "\\textsuperscript{$-$}"
        '\u00B5', "\\textmu{}"
        '\u03BC', "\\textmu{}"
        '\u03B1', "$\\alpha$"
        '\u03B2', "$\\beta$"
        '\u03B3', "$\\gamma$"
        '\u03C3', "$\\sigma$"
    ]

/// Whether the fonts of a document have a character as it is: ASCII, and the letters of European languages.
let private isPrinted (character: char) : bool =
    (character >= ' ' && character <= '~')
    || (Char.IsLetter character && character <= '\u017F')

let private character (text: string) (character: char) : string =
    match written.TryFind character with
    | Some command -> command
    | None when isPrinted character -> string character
    | None ->
        raise (
            PaperException
                $"'{text}': the character U+{int character:X4} cannot be printed; letters of Europe and common signs can."
        )

let private replace (pattern: string) (replacement: string) (text: string) : string =
    Regex.Replace(text, pattern, replacement)

/// Whole numbers of five digits and more in groups of three.
let private thousands (text: string) : string =
    Regex.Replace(
        text,
        @"(?<![\w.,+/-])\d{5,}(?!\w|\.\d)",
        fun number -> Regex.Replace(number.Value, @"(?<=\d)(?=(?:\d{3})+$)", @"\,")
    )

/// A text as LaTeX prints it: special characters escaped, and numbers as printers set them, with thin spaces between thousands and
/// before percent, signs of minus, and powers of ten.
/// <exception cref="T:NtmLab.PaperException">A character is in no font of the document.</exception>
let escape (text: string) : string =
    text
    |> String.collect (character text)
    |> replace @"(?<=\d) (?=\d{3}(?!\d)|\\%)" @"\,"
    |> thousands
    |> replace @"(?<![\w}\)-])-(?=\$?\d)" "$$-$$"
    |> replace @"(?<![\w.])(\d+(?:\.\d+)?)[eE]\+?(-?)0*(\d+)(?!\w)" @"$$$1\times10^{$2$3}$$"

/// The same in a cell of a table, where a lone dash stands for no value.
let private cell (text: string) : string =
    match text.Trim() with
    | "-" -> "--"
    | trimmed -> escape trimmed

/// A text in which long words, such as the numbers of commits, may be broken.
let breakable (text: string) : string =
    text.Split ' '
    |> Array.map (fun word ->
        if word.Length <= 16 then
            escape word
        else
            word.ToCharArray()
            |> Array.chunkBySize 8
            |> Array.map (String >> escape)
            |> String.concat @"\allowbreak{}")
    |> String.concat " "
    |> replace @"(?<=\d) (?=\d{3}(?!\d))" @"\,"

/// A heading in two lines where one would make its column wide: broken at the space nearest its middle.
let private heading (column: int) (text: string) : string =
    let spaces = [
        for index, character in Seq.indexed text do
            if character = ' ' then
                index
    ]

    if column = 0 || text.Length <= 12 || spaces.IsEmpty then
        cell text
    else
        let break' = spaces |> List.minBy (fun index -> abs (2 * index - text.Length))
        let first, second = text[.. break' - 1], text[break' + 1 ..]
        $@"\begin{{tabular}}[b]{{@{{}}r@{{}}}}{escape first}\\ {escape second}\end{{tabular}}"

let private row (cells: string list) : string = String.Join(" & ", cells) + @" \\" + "\n"

/// A table with rules above and below, the first column on the left, the others on the right.
/// <exception cref="T:NtmLab.PaperException">A row has more or fewer cells than there are headings.</exception>
let tabular (table: Report.Table) : string =
    for cells in table.Rows do
        if cells.Length <> table.Headings.Length then
            raise (
                PaperException
                    $"table '{table.Name}': a row has {cells.Length} cells; as many as headings, {table.Headings.Length}, are accepted."
            )

    let columns = "l" + String('r', max 0 (table.Headings.Length - 1))
    let text = StringBuilder()
    text.Append($@"\begin{{tabular}}{{@{{}}{columns}@{{}}}}" + "\n") |> ignore

    text.Append(@"\toprule" + "\n").Append(row (List.mapi heading table.Headings))
    |> ignore

    text.Append(@"\midrule" + "\n") |> ignore

    for cells in table.Rows do
        text.Append(row (List.map cell cells)) |> ignore

    text.Append(@"\bottomrule" + "\n" + @"\end{tabular}" + "\n").ToString()

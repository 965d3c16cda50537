/// What is done to each page that fsdocs made: the way to the top folder, links, and members that the compiler wrote.
module NtmLab.Cli.SitePage

open System
open System.IO
open System.Text.RegularExpressions

/// What stands for the top folder of the site until each page's own way there is known; fsdocs takes one for all.
let top: string = "ntmlab-site-top/"

/// The members that the compiler writes for every record, as fsdocs names them: they say nothing of the type.
let private written =
    [
        "Equals"
        "GetHashCode"
        "ToString"
        "(=)"
        "(&lt;&gt;)"
        "(<>)"
        "``<Clone>$``"
        "EqualityContract"
        "PrintMembers"
        "Deconstruct"
    ]
    |> List.map Regex.Escape
    |> String.concat "|"

let private row =
    Regex(
        $"""<tr>\s*<td class="fsdocs-member-usage">\s*<div>\s*<code[^>]*>\s*<p>\s*<a id="(?:{written})">.*?</tr>""",
        RegexOptions.Singleline
    )

let private emptyGroup =
    Regex(
        """<div>\s*<h3>[^<]*</h3>\s*<table[^>]*>\s*<thead>(?:(?!</thead>).)*</thead>\s*<tbody>\s*</tbody>\s*</table>\s*</div>""",
        RegexOptions.Singleline
    )

/// A page without what the compiler wrote, and with its details open: there stand shapes and exceptions.
let tidy (page: string) : string =
    emptyGroup.Replace(row.Replace(page, ""), "").Replace("<details>", "<details open>")

let private link = Regex("""<a ([^>]*)href="([^"]*)"([^>]*)>(.*?)</a>""", RegexOptions.Singleline)

let private isElsewhere (target: string) : bool = Regex.IsMatch(target, "^[a-z]+:", RegexOptions.IgnoreCase)

/// The name of the heading that a page of the repository means: fsdocs keeps capitals, and other readers of Markdown do not.
let private heading (page: string) (meant: string) : string option =
    Regex.Matches(page, "name=\"([^\"]+)\" class=\"anchor\"|id=\"([^\"]+)\"")
    |> Seq.map (fun found -> found.Groups[1].Value + found.Groups[2].Value)
    |> Seq.tryFind (fun name -> name.Equals(meant, StringComparison.OrdinalIgnoreCase))

/// Mends the links of one page of a site; a link that leads nowhere becomes its text. Gives the page, and those links.
let mendLinks (site: string) (file: string) (page: string) : string * string list =
    let folder = nonNull (Path.GetDirectoryName file)
    let mutable dead = []

    let mend (found: Match) : string =
        let target = found.Groups[2].Value
        let parts = target.Split('#', 2)
        let path = Regex.Replace(parts[0], @"\.md$", ".html")

        let full =
            if path = "" then
                file
            else
                Path.GetFullPath(Path.Combine(folder, path))

        if isElsewhere target || target.StartsWith "{{" then
            found.Value
        elif not (File.Exists full) || not (full.StartsWith(site, StringComparison.Ordinal)) then
            dead <- target :: dead
            found.Groups[4].Value
        else
            let fragment =
                if parts.Length = 1 then
                    ""
                else
                    let there = if full = file then page else File.ReadAllText full
                    "#" + Option.defaultValue parts[1] (heading there parts[1])

            $"<a {found.Groups[1].Value}href=\"{path}{fragment}\"{found.Groups[3].Value}>{found.Groups[4].Value}</a>"

    let mended = link.Replace(page, mend)
    mended, List.rev dead

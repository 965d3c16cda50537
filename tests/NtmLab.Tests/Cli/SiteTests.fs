module NtmLab.Tests.Cli.SiteTests

open System.IO
open System.Xml.Linq
open Expecto
open NtmLab.Cli
open NtmLab.Tests
open NtmLab.Tests.Cli.CommandLine

/// A member as fsdocs writes it.
let private memberRow (name: string) : string =
    $"<tr>\n<td class=\"fsdocs-member-usage\">\n<div>\n<code data-fsdocs-tip=\"1\">\n<p>\n<a id=\"{name}\">{name}</a></p></code></div></td></tr>"

let private group (title: string) (rows: string list) : string =
    let body = String.concat "\n" rows
    $"<div>\n<h3>\n{title}\n</h3>\n<table class=\"t\">\n<thead><tr><td>Member</td></tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"

let tests =
    testList "Site" [
        test "members that the compiler writes are left out, and groups that only had such" {
            let page =
                group "Instance members" [
                    memberRow "Slots"
                    memberRow "Equals"
                    memberRow "EqualityContract"
                ]
                + group "Static members" [ memberRow "(=)"; memberRow "(<>)" ]

            let tidy = SitePage.tidy page
            Expect.stringContains tidy "Slots" "a member of the type's own"
            Expect.isFalse (tidy.Contains "Equal") "what the compiler wrote"
            Expect.isFalse (tidy.Contains "Static members") "an empty group"
            Expect.stringContains tidy "Instance members" "a group that has something left"
        }

        test "a link to a Markdown page leads to the site's page and to the heading as that is spelled there" {
            use folder = new Scratch.Folder()

            File.WriteAllText(
                folder.File "tasks.html",
                "<h2><a name=\"Trained-here\" class=\"anchor\" href=\"#Trained-here\">Trained here</a></h2>"
            )

            let page, dead =
                SitePage.mendLinks
                    folder.Path
                    (folder.File "index.html")
                    "<a href=\"tasks.md#trained-here\">there</a>"

            Expect.equal page "<a href=\"tasks.html#Trained-here\">there</a>" "the link"
            Expect.equal dead [] "it leads somewhere"
        }

        test "a link that leads nowhere becomes its text and is told" {
            use folder = new Scratch.Folder()

            let page, dead =
                SitePage.mendLinks folder.Path (folder.File "index.html") "see <a href=\"gone.md\">this</a>"

            Expect.equal page "see this" "no link"
            Expect.equal dead [ "gone.md" ] "the one"
        }

        test "a link out of the site leads nowhere, and one to another site is left as it is" {
            use folder = new Scratch.Folder()
            let site = Directory.CreateDirectory(folder.File "site").FullName
            File.WriteAllText(folder.File "outside.html", "")
            let elsewhere = "<a href=\"mailto:somebody\">write</a>"

            let page, dead =
                SitePage.mendLinks
                    site
                    (Path.Combine(site, "index.html"))
                    $"<a href=\"../outside.html\">out</a> {elsewhere}"

            Expect.equal page $"out {elsewhere}" "only what lies in the site comes along with it"
            Expect.equal dead [ "../outside.html" ] "the one"
        }

        test "what a member inherits stands in the documentation of the copies that are read" {
            use folder = new Scratch.Folder()
            let built = Path.Combine(root, "artifacts", "bin", "NtmLab.Cli", "release")
            SiteAssembly.prepare built folder.Path [ "NtmLab.Kernels"; "NtmLab.Runtime" ]

            let summary (name: string) =
                XDocument.Load(folder.File "NtmLab.Runtime.xml").Descendants(XName.Get "member")
                |> Seq.find (fun element -> (nonNull (element.Attribute(XName.Get "name"))).Value = name)
                |> fun element -> (nonNull (element.Element(XName.Get "summary"))).Value

            Expect.equal
                (summary "M:NtmLab.Models.NtmOptions.Validate")
                (summary "M:NtmLab.Models.ModelOptions.Validate")
                "two steps up"
        }

        test "a folder with something else than a site is left alone" {
            use folder = new Scratch.Folder()
            File.WriteAllText(folder.File "thesis.txt", "mine")
            let outcome = run [ "docs"; "--out"; folder.Path ]
            Expect.equal outcome.Code 2 outcome.Output

            Expect.equal
                (outcome.Errors.Trim())
                $"ntmlab: --out {folder.Path}: holds something else than such a site; a new or empty folder is accepted."
                "one sentence"

            Expect.equal (File.ReadAllText(folder.File "thesis.txt")) "mine" "what was there"
        }
    ]

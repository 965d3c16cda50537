module NtmLab.Tests.Configuration.CatalogTests

open System.Text.RegularExpressions
open Expecto
open NtmLab.Configuration
open NtmLab.Tasks

let private lists = [ "task", Catalog.Tasks; "model", Catalog.Models; "policy", Catalog.Policies ]

let tests =
    testList "Catalog" [
        test "the tasks, the memory models and their policies are in it" {
            let names (entries: CatalogEntry seq) = [ for entry in entries -> entry.Name ]

            Expect.containsAll
                (names Catalog.Tasks)
                [ "copy"; "needle"; "copy-memory"; "adding"; "mqar"; "selective-copy" ]
                "tasks"

            Expect.containsAll (names Catalog.Models) [ "ntm"; "dnc"; "mann-lrua"; "sparse" ] "models"
            Expect.containsAll (names Catalog.Policies) [ "ntm"; "dnc"; "lrua"; "sparse" ] "policies"
        }

        for kind, entries in lists do
            test $"every {kind} has a name of its own in lower case, and a sentence" {
                for entry in entries do
                    Expect.isTrue (Regex.IsMatch(entry.Name, "^[a-z0-9]+(-[a-z0-9]+)*$")) entry.Name
                    Expect.isTrue (entry.Summary.EndsWith '.') $"{entry.Name}: {entry.Summary}"

                let names = [ for entry in entries -> entry.Name ]
                Expect.equal (List.distinct names) names "no name twice"
            }

        test "a type without a name goes by its own" {
            Expect.equal (Catalog.NameOf typeof<CopyTask>) "copy" "a name it was given"
            Expect.equal (Catalog.NameOf typeof<SequenceBatch>) "SequenceBatch" "no name was given"
        }
    ]

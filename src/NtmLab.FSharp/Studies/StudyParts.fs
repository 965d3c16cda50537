/// The parts of the memory-length study: scripts of which each defines its cells, makes them, and publishes one chapter.
[<RequireQualifiedAccess>]
module NtmLab.StudyParts

/// A part of the study.
type Part = {
    /// The chapter that it publishes.
    Chapter: string
    /// Its script, in the folder of experiments.
    Script: string
}

/// All parts, in the order in which they are made and told.
let all: Part list = [
    for chapter in [ "memory-length"; "generalisation"; "gradient-flow"; "path-length"; "cost"; "saving" ] ->
        { Chapter = chapter; Script = chapter.Replace('-', '_') + ".fsx" }
]

/// The seeds of a sweep as they are written: `1..5`, `1,4,9` or both.
[<RequireQualifiedAccess>]
module NtmLab.Sweeps.SweepSeeds

open System
open System.Globalization
open NtmLab

/// More seeds than anyone has waited for: a slip of the keyboard.
let private most = 10_000UL

let private refuse (text: string) : 'T =
    raise (
        ConfigurationException
            $"--seeds {text}: is not allowed; a range such as 1..5 or a list such as 1,4,9 is, of at most {most} seeds."
    )

/// The seeds in the order in which they are written, each once.
let parse (text: string) : uint64 list =
    let seed (part: string) : uint64 =
        match UInt64.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture) with
        | true, seed -> seed
        | _ -> refuse text

    let seeds = [
        for part in text.Split(',', StringSplitOptions.TrimEntries) do
            match part.Split("..", StringSplitOptions.TrimEntries) with
            | [| one |] -> seed one
            | [| first; last |] ->
                let first, last = seed first, seed last

                if first > last || last - first >= most then
                    refuse text

                yield! [ first..last ]
            | _ -> refuse text
    ]

    if uint64 seeds.Length > most then
        refuse text

    List.distinct seeds

/// Whole numbers in the text of an option.
module NtmLab.Cli.WholeNumbers

open System
open NtmLab

/// Those between commas.
let parse (option: string) (text: string) : int list = [
    for part in text.Split ',' do
        match Int32.TryParse(part.Trim()) with
        | true, length -> length
        | false, _ ->
            raise (
                ConfigurationException
                    $"{option}: '{text}' is not allowed; whole numbers such as 10,20,50 are."
            )
]

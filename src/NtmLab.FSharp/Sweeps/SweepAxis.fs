namespace NtmLab.Sweeps

open System
open System.Globalization
open System.Text.RegularExpressions
open NtmLab
open NtmLab.Configuration

/// The values that an option takes in a sweep.
type AxisValues =
    /// Each of these, as it is written.
    | Listed of string list
    /// A number from low to high, all equally likely.
    | Uniform of low: float * high: float
    /// A number from low to high whose logarithm is uniform.
    | Logarithmic of low: float * high: float
    /// A whole number from low to high, both included, all equally likely.
    | Whole of low: int64 * high: int64
    /// A whole number from low to high, both included: the logarithm is uniform before it is rounded.
    | WholeLogarithmic of low: int64 * high: int64

/// An option of the configuration and what it is in a sweep.
type SweepAxis = {
    /// The option's path, e.g. `model.slots`.
    Path: string
    Values: AxisValues
}

/// Reads and draws from axes.
[<RequireQualifiedAccess>]
module SweepAxis =

    let private refuse (text: string) (why: string) : 'T =
        raise (ConfigurationException $"--set {text}: {why}.")

    /// Splits at commas that stand outside of brackets, parentheses and quotes, so that a value may be a list.
    let private split (whole: string) (text: string) : string list =
        let folder (parts, current, depth, quoted) (letter: char) =
            match letter with
            | '"' -> parts, $"{current}\"", depth, not quoted
            | ',' when depth = 0 && not quoted -> current :: parts, "", depth, quoted
            | '['
            | '(' when not quoted -> parts, $"{current}{letter}", depth + 1, quoted
            | ']'
            | ')' when not quoted ->
                if depth = 0 then
                    refuse
                        whole
                        $"'{letter}' closes nothing; a value that is a list stands in brackets, as in [3,5]"

                parts, $"{current}{letter}", depth - 1, quoted
            | other -> parts, $"{current}{other}", depth, quoted

        let parts, last, depth, quoted = Seq.fold folder ([], "", 0, false) text

        if depth > 0 || quoted then
            refuse
                whole
                "a bracket or a quote is not closed; a value that is a list stands in brackets, as in [3,5]"

        List.rev (last :: parts) |> List.map _.Trim()

    let private number (whole: string) (text: string) : float =
        match Double.TryParse(text.Replace("_", ""), NumberStyles.Float, CultureInfo.InvariantCulture) with
        | true, value when Double.IsFinite value -> value
        | _ -> refuse whole $"'{text}' is no number"

    let private wholeNumber (whole: string) (text: string) : int64 =
        match Int64.TryParse(text.Replace("_", ""), NumberStyles.Integer, CultureInfo.InvariantCulture) with
        | true, value -> value
        | _ -> refuse whole $"'{text}' is no whole number"

    let private ranges = [ "uniform"; "log"; "whole"; "whole-log" ]

    let private range (whole: string) (name: string) (ends: string list) : AxisValues =
        let low, high =
            match ends with
            | [ low; high ] -> low, high
            | _ -> refuse whole $"a range has two ends, as in {name}(1,10)"

        let rising (low: 'n) (high: 'n) =
            if low >= high then
                refuse whole "the first end of a range is below the second"

        let positive (low: float) =
            if low <= 0.0 then
                refuse whole "the ends of a logarithmic range are above 0"

        match name with
        | "uniform"
        | "log" ->
            let low, high = number whole low, number whole high
            rising low high

            if name = "log" then
                positive low
                Logarithmic(low, high)
            else
                Uniform(low, high)
        | _ ->
            let low, high = wholeNumber whole low, wholeNumber whole high
            rising low high

            if name = "whole-log" then
                positive (float low)
                WholeLogarithmic(low, high)
            else
                Whole(low, high)

    /// Reads `path=a,b,c`, where a value that is a list stands in brackets, or `path=log(1e-4,1e-2)` and its like.
    let parse (text: string) : SweepAxis =
        let separator = text.IndexOf '='

        if separator <= 0 then
            refuse text "path=value or path=value,value is wanted, e.g. model.slots=64,128"

        let path, written = text[.. separator - 1].Trim(), text[separator + 1 ..].Trim()

        if path = "compute.threads" then
            refuse text "threads decide how fast a run is, not what it is; --threads sets them for all"

        let call = Regex.Match(written, @"^([A-Za-z-]+)\((.*)\)$")
        let parts = split text written

        if call.Success && parts.Length = 1 then
            let name = call.Groups[1].Value

            if not (List.contains name ranges) then
                refuse text $"there is no range '{name}'; {Suggestion.For(name, ranges).TrimEnd('.', '?')}"

            { Path = path; Values = range text name (split text call.Groups[2].Value) }
        elif List.contains "" parts then
            refuse text "a value is empty; values stand between commas, as in 64,128"
        else
            { Path = path; Values = Listed parts }

    /// Four digits are as many as a search can tell apart, and can be read.
    let private rounded (low: float) (high: float) (value: float) : string =
        let written = value.ToString("G4", CultureInfo.InvariantCulture)
        let near = Double.Parse(written, CultureInfo.InvariantCulture)
        (max low (min high near)).ToString(CultureInfo.InvariantCulture)

    /// A random value of an axis, as it is written.
    let draw (stream: RandomStream) (axis: SweepAxis) : string =
        let logarithmic (low: float) (high: float) = exp (stream.NextUniform(log low, log high))

        match axis.Values with
        | Listed values -> values[stream.Next values.Length]
        | Uniform(low, high) -> rounded low high (stream.NextUniform(low, high))
        | Logarithmic(low, high) -> rounded low high (logarithmic low high)
        | Whole(low, high) -> string (stream.NextInt64(low, high + 1L))
        | WholeLogarithmic(low, high) ->
            string (max low (min high (int64 (Math.Round(logarithmic (float low) (float high))))))

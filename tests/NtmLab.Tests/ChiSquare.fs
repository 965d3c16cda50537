/// Counts of random outcomes against their chances.
module NtmLab.Tests.ChiSquare

open Expecto

/// The 0.1 % quantile of the chi-square distribution, to about 1 % (Wilson and Hilferty 1931).
let private quantile (degrees: int) : float =
    let spread = 2.0 / (9.0 * float degrees)
    float degrees * (1.0 - spread + 3.0902 * sqrt spread) ** 3.0

/// Requires counts to be what the chances of their outcomes give; chances are up to a factor, and none is 0.
let fits (chances: float[]) (counts: int[]) : unit =
    let share = float (Array.sum counts) / Array.sum chances

    let statistic =
        Array.zip chances counts
        |> Array.sumBy (fun (chance, count) -> (float count - share * chance) ** 2.0 / (share * chance))

    let degrees = counts.Length - 1
    Expect.isLessThan statistic (quantile degrees) $"chi-square, {degrees} degrees: %A{counts}"

/// Requires counts to be those of equally likely outcomes.
let isUniform (counts: int[]) : unit = fits (Array.create counts.Length 1.0) counts

/// Requires numbers of ones to be those of as many fair bits each.
let isFair (draws: int) (ones: float[]) : unit =
    // Each count of ones has a variance of a quarter of the draws, and none is bound by the others.
    let statistic =
        ones
        |> Array.sumBy (fun count -> (count - float draws / 2.0) ** 2.0 / (float draws / 4.0))

    Expect.isLessThan statistic (quantile ones.Length) $"chi-square, {ones.Length} degrees: %A{ones}"

/// How often each outcome, a number from 0, comes.
let count (outcomes: int) (drawn: int seq) : int[] =
    let counts = Array.zeroCreate<int> outcomes

    for outcome in drawn do
        counts[outcome] <- counts[outcome] + 1

    counts

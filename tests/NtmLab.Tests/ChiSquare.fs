/// Whether random choices are as likely as they should be.
module NtmLab.Tests.ChiSquare

open Expecto

/// The 0.1 % quantile of chi-square, to a few percent from one degree of freedom on (Wilson and Hilferty 1931).
let private quantile (degrees: int) : float =
    let spread = 2.0 / (9.0 * float degrees)
    float degrees * (1.0 - spread + 3.0902 * sqrt spread) ** 3.0

/// Requires outcomes to come as often as given chances say; chances are up to a factor, and none is 0.
let fits (chances: float[]) (counts: int[]) : unit =
    let share = float (Array.sum counts) / Array.sum chances

    let statistic =
        Array.map2
            (fun chance count -> (float count - share * chance) ** 2.0 / (share * chance))
            chances
            counts
        |> Array.sum

    Expect.isLessThan statistic (quantile (counts.Length - 1)) $"{counts.Length} outcomes: %A{counts}"

/// Requires outcomes to be equally likely.
let isUniform (counts: int[]) : unit = fits (Array.create counts.Length 1.0) counts

/// How often each outcome from 0 to the number of outcomes comes.
let count (outcomes: int) (drawn: int seq) : int[] =
    let counts = Array.zeroCreate<int> outcomes

    for outcome in drawn do
        counts[outcome] <- counts[outcome] + 1

    counts

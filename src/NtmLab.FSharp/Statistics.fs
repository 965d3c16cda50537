/// What a few seeds say, and how surely: medians with bootstrap intervals, a rank test, and curves through points.
[<RequireQualifiedAccess>]
module NtmLab.Statistics

open System
open MathNet.Numerics
open MathNet.Numerics.Distributions
open MathNet.Numerics.Statistics

/// A number with the bounds that it lies within at some confidence.
type Interval = { Low: float; Middle: float; High: float }

/// What the rank test of Mann and Whitney finds.
type RankTest = {
    /// In how many pairs the first sample's value is greater, equal ones counted by half.
    U: float
    /// How often samples of one distribution would differ as much, in either direction.
    PValue: float
    /// Whether the p-value is exact; else by the normal distribution, corrected for ties and continuity.
    IsExact: bool
    /// The chance that a value of the first sample is greater than one of the second, equal ones counted by half.
    Superiority: float
}

/// A curve through points, fitted by least squares to the logarithms of its values.
type Fit = {
    /// The value at 1 (power law) or at 0 (exponential).
    Scale: float
    /// The exponent: `y = scale x^rate` (power law), `y = scale e^(rate x)` (exponential).
    Rate: float
    /// The share of the variance of the logarithms that the curve explains.
    RSquared: float
}

let private requireSome (what: string) (least: int) (count: int) : unit =
    if count < least then
        raise (ConfigurationException $"{what}: {count} values are too few; {least} or more are wanted.")

let private requireFinite (what: string) (values: float list) : unit =
    match values |> List.tryFind (Double.IsFinite >> not) with
    | Some value -> raise (ConfigurationException $"{what}: {value} is not allowed; finite numbers are.")
    | None -> ()

/// The middle value; of an even number of values the mean of the middle two.
let median (values: float list) : float =
    requireSome "median" 1 values.Length
    requireFinite "median" values
    Statistics.Median values

/// The bounds within which a statistic of a sample lies at a confidence from 0 to 1, by its percentiles over samples drawn with
/// replacement (Efron 1979). The same values give the same interval.
let bootstrap
    (statistic: float[] -> float)
    (confidence: float)
    (resamples: int)
    (values: float list)
    : Interval =
    requireSome "bootstrap" 1 values.Length
    requireFinite "bootstrap" values

    if not (confidence > 0.0 && confidence < 1.0) then
        raise (
            ConfigurationException
                $"bootstrap: a confidence of {confidence} is not allowed; numbers between 0 and 1 are."
        )

    let sample = List.toArray values
    let random = RandomStream(1UL, "bootstrap")

    let drawn =
        Array.init resamples (fun _ ->
            statistic (Array.init sample.Length (fun _ -> sample[random.Next sample.Length])))

    let quantile (share: float) = Statistics.QuantileCustom(drawn, share, QuantileDefinition.R7)
    let outside = (1.0 - confidence) / 2.0

    {
        Low = quantile outside
        Middle = statistic sample
        High = quantile (1.0 - outside)
    }

/// The median with its 95 % interval over 10 000 samples drawn with replacement. Of few seeds it is coarse: of five, it is nearly
/// their range.
let medianInterval (values: float list) : Interval =
    bootstrap (fun sample -> Statistics.Median sample) 0.95 10_000 values

/// Twice the rank of each value, from 2 on; equal ones have the mean of their ranks.
let private doubledRanks (values: float list) : int list = [
    for rank in Statistics.Ranks(values, RankDefinition.Average) -> int (2.0 * rank)
]

/// The share of all choices of m of these ranks whose sum is as far from its mean as that of the first m, or further.
let private exactPValue (ranks: int list) (m: int) : float =
    let all = List.sum ranks
    // The choices of so many ranks, by their sum.
    let counts = Array.init (m + 1) (fun _ -> Array.zeroCreate<float>(all + 1))
    counts[0][0] <- 1.0

    for rank in ranks do
        for chosen in m .. -1 .. 1 do
            for sum in all .. -1 .. rank do
                counts[chosen][sum] <- counts[chosen][sum] + counts[chosen - 1][sum - rank]

    // Of sums times the number of values, so that the mean is a whole number.
    let distance sum = abs (sum * ranks.Length - m * all)
    let found = distance (ranks |> List.take m |> List.sum)

    let extreme =
        counts[m]
        |> Seq.indexed
        |> Seq.filter (fun (sum, _) -> distance sum >= found)
        |> Seq.sumBy snd

    extreme / Array.sum counts[m]

let private normalPValue (u: float) (m: float) (n: float) (ties: float list) : float =
    let total = m + n
    let tied = ties |> List.sumBy (fun t -> t * t * t - t)
    let variance = m * n / 12.0 * (total + 1.0 - tied / (total * (total - 1.0)))
    let distance = max 0.0 (abs (u - m * n / 2.0) - 0.5)

    if variance <= 0.0 then
        1.0
    else
        min 1.0 (2.0 * Normal.CDF(0.0, 1.0, -distance / sqrt variance))

/// Whether two samples come from one distribution (Mann and Whitney 1947), two-sided; up to 20 values each by all arrangements of
/// their ranks, equal values sharing theirs. Three seeds against three give no p-value below 0.1, four against four none below
/// 0.029, five against five none below 0.008.
let mannWhitney (first: float list) (second: float list) : RankTest =
    requireSome "mannWhitney" 1 (min first.Length second.Length)
    requireFinite "mannWhitney" (first @ second)

    let u =
        List.allPairs first second
        |> List.sumBy (fun (a, b) ->
            if a > b then 1.0
            elif a = b then 0.5
            else 0.0)

    let m, n = first.Length, second.Length
    let ties = first @ second |> List.countBy id |> List.map (snd >> float)
    let isExact = m <= 20 && n <= 20

    {
        U = u
        PValue =
            if isExact then
                exactPValue (doubledRanks (first @ second)) m
            else
                normalPValue u (float m) (float n) ties
        IsExact = isExact
        Superiority = u / float (m * n)
    }

let private fit (what: string) (ofX: float -> float) (points: (float * float) list) : Fit =
    requireSome what 2 (points |> List.distinctBy fst |> List.length)
    requireFinite what (List.collect (fun (x, y) -> [ x; y ]) points)

    match points |> List.tryFind (fun (_, y) -> y <= 0.0) with
    | Some(x, y) ->
        raise (
            ConfigurationException
                $"{what}: the value {y} at {x} is not allowed; values greater than 0 have a logarithm."
        )
    | None -> ()

    let xs = [| for x, _ in points -> ofX x |]
    let ys = [| for _, y in points -> log y |]
    let struct (intercept, slope) = Fit.Line(xs, ys)
    let fitted = xs |> Array.map (fun x -> intercept + slope * x)
    let explained = GoodnessOfFit.CoefficientOfDetermination(fitted, ys)

    {
        Scale = exp intercept
        Rate = slope
        // Of values that are all equal there is nothing left to explain.
        RSquared = if Double.IsFinite explained then explained else 1.0
    }

/// `y = scale x^rate` through points (x, y), both greater than 0.
let powerLaw (points: (float * float) list) : Fit =
    match points |> List.tryFind (fun (x, _) -> x <= 0.0) with
    | Some(x, _) ->
        raise (
            ConfigurationException
                $"powerLaw: a point at {x} is not allowed; positions greater than 0 have a logarithm."
        )
    | None -> fit "powerLaw" log points

/// `y = scale e^(rate x)` through points (x, y), y greater than 0.
let exponential (points: (float * float) list) : Fit = fit "exponential" id points

/// How values fall with their position, by both curves.
type Decay = {
    /// None where fewer than two values at different positions are above 0.
    Exponential: Fit option
    /// The same, of the positions above 0.
    PowerLaw: Fit option
}

/// Both curves through points (x, y); those whose value is 0 have no logarithm and are left out.
let decay (points: (float * float) list) : Decay =
    let through (curve: (float * float) list -> Fit) (some: (float * float) list) =
        if (List.distinctBy fst some).Length < 2 then
            None
        else
            Some(curve some)

    let seen = points |> List.filter (fun (_, y) -> y > 0.0)

    {
        Exponential = through exponential seen
        PowerLaw = seen |> List.filter (fun (x, _) -> x > 0.0) |> through powerLaw
    }

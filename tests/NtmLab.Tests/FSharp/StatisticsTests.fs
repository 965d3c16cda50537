module NtmLab.Tests.FSharp.StatisticsTests

open Expecto
open NtmLab
open NtmLab.Tests

let private within (tolerance: float) (actual: float) (expected: float) (what: string) : unit =
    Expect.isLessThan (abs (actual - expected)) tolerance $"{what}: {actual}, not {expected}"

/// All ways to cut a list in two, with so many in the first.
let rec private cuts (count: int) (values: float list) : (float list * float list) list =
    match count, values with
    | 0, _ -> [ [], values ]
    | _, [] -> []
    | _, head :: tail ->
        [ for chosen, rest in cuts (count - 1) tail -> head :: chosen, rest ]
        @ [ for chosen, rest in cuts count tail -> chosen, head :: rest ]

/// The two-sided p-value by trying every arrangement of the values.
let private byArrangements (first: float list) (second: float list) : float =
    let distance (first: float list, second: float list) =
        let u = List.allPairs first second |> List.sumBy (fun (a, b) -> float (sign (a - b)))
        abs u

    let all = cuts first.Length (first @ second)
    let extreme = all |> List.filter (fun cut -> distance cut >= distance (first, second))
    float extreme.Length / float all.Length

let private drawn (seed: uint64) (count: int) : float list =
    let random = RandomStream(seed, "statistics")
    [ for _ in 1..count -> random.NextUniform(0.0, 1.0) ]

let tests =
    testList "Statistics" [
        test "the median of an even number of values is the mean of the middle two" {
            Expect.equal (Statistics.median [ 3.0; 1.0; 2.0 ]) 2.0 "odd"
            Expect.equal (Statistics.median [ 4.0; 1.0; 2.0; 10.0 ]) 3.0 "even"
        }

        test "a bootstrap interval holds the middle, lies within the sample, and is the same every time" {
            for count in [ 1; 2; 5; 30 ] do
                let values = drawn 1UL count
                let found = Statistics.medianInterval values
                Expect.isTrue (found.Low <= found.Middle && found.Middle <= found.High) $"{count} values"
                Expect.isTrue (found.Low >= List.min values && found.High <= List.max values) "within"
                Expect.equal (Statistics.medianInterval values) found "again"
        }

        test "the interval of a mean is about that of the normal distribution" {
            let values = drawn 2UL 400
            let found = Statistics.bootstrap Array.average 0.95 4000 values
            let mean = List.average values
            let deviation = values |> List.averageBy (fun x -> (x - mean) ** 2.0) |> sqrt
            let half = 1.96 * deviation / sqrt 400.0
            within (0.1 * half) (found.High - found.Low) (2.0 * half) "width"
        }

        test "a p-value is that of all arrangements" {
            for seed in 1UL .. 20UL do
                let random = RandomStream(seed, "sizes")
                // Half of them with equal values.
                let coarse x = if seed % 2UL = 0UL then round (4.0 * x) else x
                let first = drawn seed (random.Next(1, 6)) |> List.map coarse
                let second = drawn (seed + 100UL) (random.Next(1, 6)) |> List.map coarse
                let found = Statistics.mannWhitney first second
                Expect.isTrue found.IsExact "exact"
                within 1e-9 found.PValue (byArrangements first second) $"{first} {second}"
        }

        test "published p-values come out" {
            // Three against three that do not overlap: 2 of 20 arrangements; five against five: 2 of 252.
            let apart count = [ for i in 1..count -> float i ], [ for i in 1..count -> 100.0 + float i ]
            within 1e-12 (Statistics.mannWhitney <|| apart 3).PValue 0.1 "three"
            within 1e-12 (Statistics.mannWhitney <|| apart 5).PValue (2.0 / 252.0) "five"
            // Table for U at the 5 % level, two-sided: 23 of 100 for ten and ten is significant, 24 is not.
            let counted u =
                let second = [ for i in 1..10 -> float i ]
                let first = [ for i in 0..9 -> -float i - 0.5 ]
                // Lift values over u of the others, ten at most each.
                let lifted =
                    first
                    |> List.mapi (fun i x ->
                        let over = max 0 (min 10 (u - 10 * i))
                        if over = 0 then x else float over + 0.5 + 1e-3 * float i)

                Statistics.mannWhitney lifted second

            Expect.equal (counted 23).U 23.0 "U"
            Expect.isLessThan (counted 23).PValue 0.05 "23"
            Expect.isGreaterThan (counted 24).PValue 0.05 "24"
        }

        test "the normal approximation is near the exact value, and counts ties" {
            let first, second = drawn 3UL 20, drawn 4UL 20 |> List.map ((+) 0.2)
            let exact = Statistics.mannWhitney first second
            let more = Statistics.mannWhitney (0.5 :: first) (0.7 :: second)
            Expect.isFalse more.IsExact "21 values"
            within 0.03 more.PValue exact.PValue "about the same"
            let equal = Statistics.mannWhitney [ 1.0; 1.0; 1.0 ] [ 1.0; 1.0 ]
            Expect.equal (equal.PValue, equal.Superiority) (1.0, 0.5) "all equal"
        }

        test "the samples may change places" {
            for seed in 1UL .. 30UL do
                let first, second = drawn seed 7, drawn (seed + 50UL) 4
                let one, other = Statistics.mannWhitney first second, Statistics.mannWhitney second first
                within 1e-12 one.PValue other.PValue "p"
                within 1e-12 (one.Superiority + other.Superiority) 1.0 "superiority"
        }

        test "curves through exact points are found" {
            let xs = [ 1.0; 3.0; 10.0; 100.0 ]
            let power = Statistics.powerLaw [ for x in xs -> x, 2.5 * x ** -0.7 ]
            within 1e-9 power.Rate -0.7 "exponent"
            within 1e-9 power.Scale 2.5 "scale"
            within 1e-9 power.RSquared 1.0 "all explained"
            let decay = Statistics.exponential [ for x in xs -> x, 4.0 * exp (-0.03 * x) ]
            within 1e-9 decay.Rate -0.03 "rate"
            within 1e-9 decay.Scale 4.0 "scale"

            Expect.isLessThan
                (Statistics.powerLaw [ for x in xs -> x, exp (-0.03 * x) ]).RSquared
                0.99
                "another law"
        }

        test "what no statistic can be made of is refused in one sentence" {
            Faults.says<ConfigurationException> [ "median"; "0 values"; "1 or more" ] (fun () ->
                Statistics.median [] |> ignore)

            Faults.says<ConfigurationException> [ "mannWhitney"; "0 values" ] (fun () ->
                Statistics.mannWhitney [ 1.0 ] [] |> ignore)

            Faults.says<ConfigurationException> [ "bootstrap"; "NaN" ] (fun () ->
                Statistics.medianInterval [ nan ] |> ignore)

            Faults.says<ConfigurationException> [ "bootstrap"; "confidence"; "1.5" ] (fun () ->
                Statistics.bootstrap Array.average 1.5 10 [ 1.0 ] |> ignore)

            Faults.says<ConfigurationException> [ "powerLaw"; "-1" ] (fun () ->
                Statistics.powerLaw [ 1.0, -1.0; 2.0, 1.0 ] |> ignore)

            Faults.says<ConfigurationException> [ "powerLaw"; "point at 0" ] (fun () ->
                Statistics.powerLaw [ 0.0, 1.0; 2.0, 1.0 ] |> ignore)

            Faults.says<ConfigurationException> [ "exponential"; "1 values"; "2 or more" ] (fun () ->
                Statistics.exponential [ 3.0, 1.0; 3.0, 2.0 ] |> ignore)
        }

        test "a decay leaves out values that are 0, and needs two others" {
            let points = (0.0, 2.0) :: [ for x in [ 1.0; 2.0; 4.0; 8.0 ] -> x, 2.0 * exp (-0.3 * x) ]
            let found = Statistics.decay ((20.0, 0.0) :: points)
            let exponential = Expect.wantSome found.Exponential "a curve"
            Expect.floatClose Accuracy.high exponential.Rate -0.3 "the rate"
            Expect.equal found.PowerLaw (Some(Statistics.powerLaw points.Tail)) "positions above 0"
            let single = Statistics.decay [ 0.0, 1.0; 3.0, 1.0; 9.0, 0.0 ]
            Expect.isSome single.Exponential "two positions"
            Expect.isNone single.PowerLaw "one position above 0"
        }
    ]

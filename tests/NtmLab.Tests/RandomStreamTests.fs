module NtmLab.Tests.RandomStreamTests

open System
open System.Collections.Generic
open Expecto
open NtmLab

let private bits (count: int) (stream: RandomStream) : uint64 list = [
    for _ in 1..count -> stream.NextBits()
]

/// The chi-square statistic of counts that should all be equal.
let private chiSquare (counts: int[]) : float =
    let expected = float (Array.sum counts) / float counts.Length
    counts |> Array.sumBy (fun count -> (float count - expected) ** 2.0 / expected)

let private countBelow (categories: int) (draws: int) (next: unit -> int) : int[] =
    let counts = Array.zeroCreate categories

    for _ in 1..draws do
        let value = next ()
        counts[value] <- counts[value] + 1

    counts

let private goldenValues =
    testList "golden values" [
        for seed, purpose, index, expected in
            [
                1UL, "train", 0UL, [ 0x414572c365e7e3c1UL; 0xf55652fd1253f6e9UL; 0xefbd603ed0117483UL ]
                1UL, "train", 1UL, [ 0x17846ae2a47d7b41UL; 0x97b1b4263c84342cUL; 0xf7529f2ec8f0e95bUL ]
                2UL, "train", 0UL, [ 0xb0e4179ca99fed07UL; 0xfe38a82546f0da12UL; 0xf91f55c4ba04222fUL ]
                1UL, "évaluate", 7UL, [ 0x1f3f8b4da239f84aUL; 0x5ad52de70b3e530eUL; 0x734c7a98ac4fac83UL ]
            ] do
            test $"the stream of seed {seed}, '{purpose}', index {index} starts with its known bits" {
                Expect.equal
                    (bits 3 (RandomStream(seed, purpose, index)))
                    expected
                    "the generator is unchanged"
            }

        test "whole numbers below 10 are the known ones" {
            let stream = RandomStream(1UL, "train")
            let drawn = [ for _ in 1..12 -> stream.Next 10 ]
            Expect.equal drawn [ 2; 9; 9; 8; 0; 3; 0; 4; 7; 6; 7; 3 ] "the reduction to a range is unchanged"
        }

        test "uniform doubles are the known ones" {
            let stream = RandomStream(1UL, "train")
            let drawn = [ for _ in 1..3 -> stream.NextDouble() ]

            Expect.equal
                drawn
                [ 0.25496594686947516; 0.9583484523630685; 0.9364833978034477 ]
                "the conversion to doubles is unchanged"
        }

        test "normal numbers are the known ones" {
            let stream = RandomStream(1UL, "normal")

            for expected in [ -1.6854007262576454; 1.8961261953698763; 0.992709863020971 ] do
                Expect.floatClose Accuracy.veryHigh (stream.NextNormal()) expected "Box and Muller's cosine"
        }
    ]

let private independence =
    testList "independence" [
        test "the same key gives the same stream" {
            Expect.equal
                (bits 100 (RandomStream(5UL, "train", 3UL)))
                (bits 100 (RandomStream(5UL, "train", 3UL)))
                "nothing but the key matters"
        }

        test "streams of different seeds, purposes and indices share no numbers" {
            let seen = HashSet<uint64>()

            let streams = [
                for seed in 0UL .. 7UL do
                    for purpose in
                        [ ""; "a"; "b"; "ab"; "ba"; "train"; "evaluate length 1"; "evaluate length 10" ] do
                        for index in 0UL .. 7UL -> RandomStream(seed, purpose, index)
            ]

            for stream in streams do
                for value in bits 20 stream do
                    seen.Add value |> ignore

            Expect.equal seen.Count (streams.Length * 20) "64-bit numbers repeat only when streams meet"
        }

        test "neighbouring indices are uncorrelated" {
            let first = [| for k in 0UL .. 9999UL -> RandomStream(1UL, "train", k).NextDouble() - 0.5 |]
            let products = Array.map2 (*) first[.. first.Length - 2] first[1..]
            // The products' standard deviation is 1/12, of their mean 1/1200.
            Expect.isLessThan (abs (Array.average products)) 0.003 "the first numbers of successive streams"
        }
    ]

let private bounds =
    testList "bounds" [
        testProperty "a whole number lies in its range" (fun (seed: uint64) (a: int) (b: int) ->
            let low, high = min a b, max a b
            let drawn = RandomStream(seed, "bounds").Next(low, high)

            if low = high then
                drawn = low
            else
                drawn >= low && drawn < high)

        testProperty "a long whole number lies in its range" (fun (seed: uint64) (a: int64) (b: int64) ->
            let low, high = min a b, max a b
            let drawn = RandomStream(seed, "bounds").NextInt64(low, high)

            if low = high then
                drawn = low
            else
                drawn >= low && drawn < high)

        test "the widest ranges work" {
            let stream = RandomStream(1UL, "bounds")

            for _ in 1..1000 do
                Expect.isLessThan
                    (stream.Next(Int32.MinValue, Int32.MaxValue))
                    Int32.MaxValue
                    "the upper end is out"

                Expect.isLessThan
                    (stream.NextInt64(Int64.MinValue, Int64.MaxValue))
                    Int64.MaxValue
                    "the upper end is out"
        }

        test "doubles and singles lie in [0, 1)" {
            let stream = RandomStream(1UL, "bounds")

            for _ in 1..10_000 do
                let value = stream.NextDouble()
                Expect.isTrue (value >= 0.0 && value < 1.0) "a double"
                let value = stream.NextSingle()
                Expect.isTrue (value >= 0.0f && value < 1.0f) "a single"
        }

        test "a negative limit is refused" {
            Expect.throwsT<ArgumentOutOfRangeException>
                (fun () -> RandomStream(1UL, "bounds").Next -1 |> ignore)
                "as System.Random does"
        }
    ]

// Seeds are fixed: these tests always give the same statistics. Limits are the 0.1 % quantiles.
let private uniformity =
    testList "uniformity" [
        test "whole numbers below 7 are uniform" {
            let stream = RandomStream(11UL, "uniform")

            Expect.isLessThan
                (chiSquare (countBelow 7 70_000 (fun () -> stream.Next 7)))
                22.46
                "chi-square, 6 degrees"
        }

        test "a range that does not divide 2^64 has no bias" {
            // Below 3 * 2^62, numbers modulo 2^64 would fall into the lowest third twice as often.
            let stream = RandomStream(12UL, "uniform")
            let limit = 3L <<< 61
            let third () = int (stream.NextInt64 limit / (1L <<< 61))
            Expect.isLessThan (chiSquare (countBelow 3 30_000 third)) 13.82 "chi-square, 2 degrees"
        }

        test "doubles are uniform" {
            let stream = RandomStream(13UL, "uniform")
            let cell () = int (stream.NextDouble() * 50.0)
            Expect.isLessThan (chiSquare (countBelow 50 50_000 cell)) 85.35 "chi-square, 49 degrees"
        }

        test "coin flips are fair at every place of a word" {
            let ones = Array.zeroCreate<int> 64
            let flips = Array.zeroCreate<float32> 64
            let stream = RandomStream(14UL, "uniform")

            for _ in 1..2000 do
                stream.FillBits(flips.AsSpan())
                flips |> Array.iteri (fun i flip -> ones[i] <- ones[i] + int flip)

            let statistic = ones |> Array.sumBy (fun count -> (float count - 1000.0) ** 2.0 / 500.0)
            Expect.isLessThan statistic 104.7 "chi-square, 64 degrees"
        }

        test "coin flips are 0 or 1, whatever their number" {
            for count in 0..200 do
                let flips = Array.create count nanf
                RandomStream(uint64 count, "flips").FillBits(flips.AsSpan())

                Expect.isTrue
                    (flips |> Array.forall (fun flip -> flip = 0.0f || flip = 1.0f))
                    "all are filled"
        }

        test "bytes are uniform" {
            let bytes = Array.zeroCreate<byte> 51_200
            RandomStream(15UL, "uniform").NextBytes bytes
            let counts = countBelow 256 0 (fun () -> 0)
            bytes |> Array.iter (fun value -> counts[int value] <- counts[int value] + 1)
            Expect.isLessThan (chiSquare counts) 330.5 "chi-square, 255 degrees"
        }

        test "different numbers come in every order equally often" {
            let stream = RandomStream(17UL, "different")
            let drawn = [ for _ in 1..4800 -> List.ofSeq (stream.Different(3, 4L)) ]
            Expect.all drawn (fun numbers -> List.distinct numbers = numbers) "no number twice"
            let counts = [| for _, count in List.countBy id drawn -> count |]
            Expect.equal counts.Length 24 "orders of 3 of 4"
            ChiSquare.isUniform counts
        }

        test "different numbers can be all there are, or few of very many" {
            let numbers (count: int) (bound: int64) =
                RandomStream(18UL, "different").Different(count, bound) |> List.ofSeq

            Expect.equal (List.sort (numbers 100 100L)) [ 0L .. 99L ] "a shuffle"
            let few = numbers 100 (1L <<< 62)
            Expect.equal (List.distinct few).Length 100 "different"
            Expect.all few (fun number -> number >= 0L && number < (1L <<< 62)) "within the bound"
        }

        test "normal numbers have mean 0, variance 1 and kurtosis 3" {
            let stream = RandomStream(16UL, "uniform")
            let drawn = [| for _ in 1..40_000 -> stream.NextNormal() |]
            Expect.isLessThan (abs (Array.average drawn)) 0.02 "the mean"
            Expect.isLessThan (abs (Array.averageBy (fun x -> x * x) drawn - 1.0)) 0.03 "the variance"
            Expect.isLessThan (abs (Array.averageBy (fun x -> x ** 4.0) drawn - 3.0)) 0.2 "the kurtosis"
        }
    ]

let tests = testList "RandomStream" [ goldenValues; independence; bounds; uniformity ]

module NtmLab.Tests.Data.EpochOrderTests

open Expecto
open NtmLab.Data

let private order (seed: uint64) (epoch: int64) (count: int) : int64 list =
    let order = EpochOrder(seed, epoch, int64 count)
    [ for position in 0 .. count - 1 -> order.At(int64 position) ]

let tests =
    testList "EpochOrder" [
        testProperty "has each thing once" (fun (seed: uint64) (size: uint16) ->
            let count = 1 + int size % 3000
            Expect.equal (order seed 0L count |> List.sort) [ 0L .. int64 count - 1L ] "all of them")

        test "is the same for the same seed and epoch, and another for others" {
            Expect.equal (order 1UL 2L 100) (order 1UL 2L 100) "the key decides"
            Expect.notEqual (order 1UL 2L 100) (order 2UL 2L 100) "another seed"
            Expect.notEqual (order 1UL 2L 100) (order 1UL 3L 100) "another epoch"
        }

        test "brings each thing to each place equally often" {
            for count in [ 2; 3; 7; 10 ] do
                let epochs = 1000 * count
                let counts = Array2D.zeroCreate<int> count count

                for epoch in 1..epochs do
                    for place, thing in order 5UL (int64 epoch) count |> List.indexed do
                        counts[place, int thing] <- counts[place, int thing] + 1

                let statistic =
                    counts
                    |> Seq.cast<int>
                    |> Seq.sumBy (fun n -> (float n - 1000.0) ** 2.0 / 1000.0)
                // At most 81 degrees of freedom; the 0.1 % quantile of 81 is 126.1, of 1 degree far less.
                Expect.isLessThan statistic (if count = 10 then 126.1 else 67.0) $"{count} things"
        }

        test "reaches every order of three things" {
            let seen = set [ for epoch in 1L .. 200L -> order 1UL epoch 3 ]
            Expect.equal seen.Count 6 "3 x 2 x 1"
        }

        test "knows more things than an array can hold" {
            let count = 1L <<< 40
            let order = EpochOrder(1UL, 0L, count)
            let seen = set [ for position in count - 1000L .. count - 1L -> order.At position ]
            Expect.equal seen.Count 1000 "different places, different things"
            Expect.all seen (fun thing -> thing >= 0L && thing < count) "of those that there are"
        }
    ]

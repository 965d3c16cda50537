module NtmLab.Tests.Models.Blocks.RotationTests

open Expecto
open NtmLab
open NtmLab.Models.Blocks
open NtmLab.Tests
open TorchSharp

let private steps (positions: int64 list) : torch.Tensor =
    torch.tensor (List.toArray positions, 1L, int64 positions.Length)

let private vectors (seed: uint64) (time: int) (width: int) : torch.Tensor =
    Tensors.uniform (RandomStream(seed, "vectors")) -1.0 1.0 [ 1; 1; time; width ]

/// One vector at a position, turned.
let private at (position: int64) (vector: torch.Tensor) : torch.Tensor =
    Rotation(steps [ position ], int vector.shape[3], vector.dtype).Apply vector

let private product (a: torch.Tensor) (b: torch.Tensor) : float = (a * b).sum().ToDouble()

let tests =
    testList "Rotation" [
        test "turns every pair as complex numbers turn" {
            let positions = [ 0L; 1L; 7L; 1000L ]
            let x = vectors 1UL 4 6
            let turned = Rotation(steps positions, 6, torch.float64).Apply x

            let expected =
                (AttentionOracle.sequences x)[0]
                |> Array.map2 (fun position -> AttentionOracle.turn (int position)) (List.toArray positions)

            Expect.isLessThan
                (Tensors.distance turned (AttentionOracle.tensor 1L [| expected |]))
                1e-12
                "4 positions"
        }

        test "makes products that depend on the distance of two positions only" {
            let q, k = vectors 1UL 1 8, vectors 2UL 1 8

            for distance in [ 0L; 1L; 5L; 400L ] do
                let near = product (at distance q) (at 0L k)

                for position in [ 3L; 512L; 100_000L; 10_000_000L ] do
                    let far = product (at (position + distance) q) (at position k)
                    Expect.isLessThan (abs (far - near)) 1e-8 $"distance {distance} at {position}"
        }

        test "makes products that depend on the distance" {
            let q, k = vectors 1UL 1 8, vectors 2UL 1 8
            let products = [ for distance in [ 0L; 1L; 2L; 30L ] -> product (at distance q) (at 0L k) ]
            Expect.equal (List.distinct products) products "no two alike"
        }

        test "is as exact in single precision late as early" {
            let x = vectors 1UL 1 8

            for position in [ 1L; 100_000L; 10_000_000L ] do
                let single = at position (x.``to`` torch.float32)
                Expect.isLessThan (Tensors.distance single (at position x)) 2e-7 $"at {position}"
        }

        test "turns each sequence by its own positions" {
            let x = vectors 1UL 2 4
            let positions = torch.tensor ([| 3L; 4L; 10L; 11L |], 2L, 2L)
            let turned = Rotation(positions, 4, torch.float64).Apply(x.expand (2L, 1L, 2L, 4L))
            let alone first = Rotation(steps [ first; first + 1L ], 4, torch.float64).Apply x
            let expected = torch.cat ([| alone 3L; alone 10L |], 0L)
            Expect.equal (Tensors.bits turned) (Tensors.bits expected) "batch of two"
        }
    ]

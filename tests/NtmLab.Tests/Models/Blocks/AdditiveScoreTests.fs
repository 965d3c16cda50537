module NtmLab.Tests.Models.Blocks.AdditiveScoreTests

open System
open Expecto
open NtmLab
open NtmLab.Models.Blocks
open NtmLab.Tests
open TorchSharp

let private score (width: int) : AdditiveScore =
    (new AdditiveScore(width, RandomStream(1UL, "score"))).``to`` torch.float64

let private draw (purpose: string) (shape: int list) : torch.Tensor =
    Tensors.uniform (RandomStream(2UL, purpose)) -1.0 1.0 shape

/// The equation, with all hyperbolic tangents at once.
let private atOnce (score: AdditiveScore) (query: torch.Tensor) (key: torch.Tensor) : torch.Tensor =
    (query.unsqueeze (3L) + key.unsqueeze 2L).tanh().matmul((Tensors.parameter score "vector").squeeze 0L)

let tests =
    testList "AdditiveScore" [
        test "is the product of a vector and the hyperbolic tangent of query plus key" {
            let score = score 3
            let q, k = draw "query" [ 2; 1; 4; 3 ], draw "key" [ 2; 1; 5; 3 ]
            let vector = Tensors.values (Tensors.parameter score "vector")
            let queries, keys = AttentionOracle.sequences q, AttentionOracle.sequences k

            let expected =
                Array.map2
                    (fun queries keys ->
                        queries
                        |> Array.map (fun q ->
                            keys
                            |> Array.map (fun k ->
                                AttentionOracle.dot vector (Array.map2 (fun a b -> tanh (a + b)) q k))))
                    queries
                    keys

            Expect.isLessThan
                (Tensors.distance (score.Scores(q, k)) (AttentionOracle.tensor 2L expected))
                1e-14
                "4 queries, 5 keys"
        }

        test "has the gradients of finite differences" {
            let score = score 3
            let q, k = draw "query" [ 2; 1; 4; 3 ], draw "key" [ 2; 1; 5; 3 ]

            GradientCheck.checkAll ([ "query", q; "key", k ] @ GradientCheck.parameters score) (fun () ->
                score.Scores(q, k))
        }

        test "gives the same scores and gradients when they are too many to be made at once" {
            use scope = torch.NewDisposeScope()
            let score = score 16
            let shape = [ 2; 3; 150; 16 ]
            let vector = Tensors.parameter score "vector"

            let compute (f: torch.Tensor -> torch.Tensor -> torch.Tensor) =
                let q, k = (draw "query" shape).requires_grad_ true, (draw "key" shape).requires_grad_ true

                match vector.grad with
                | null -> ()
                | gradient -> gradient.zero_ () |> ignore

                let scores = f q k
                (GradientCheck.scalar scores).backward()
                scores, [ for part in [ q; k; vector ] -> (Tensors.gradient part).clone() ]

            let scores, gradients = compute (fun q k -> score.Scores(q, k))
            let expected, expectedGradients = compute (atOnce score)
            Expect.isLessThan (Tensors.distance scores expected) 1e-12 "scores"

            for gradient, expected in List.zip gradients expectedGradients do
                Expect.isLessThan (Tensors.distance gradient expected) 1e-9 "gradients"
        }

        test "has the second derivatives of the equation" {
            use scope = torch.NewDisposeScope()
            let score = score 4
            let vector = Tensors.parameter score "vector"

            let second (f: torch.Tensor -> torch.Tensor -> torch.Tensor) =
                let q = (draw "query" [ 1; 2; 5; 4 ]).requires_grad_ true
                let k = (draw "key" [ 1; 2; 6; 4 ]).requires_grad_ true
                let variables = [| q; k; vector |]

                let first =
                    torch.autograd.grad (
                        [| (f q k).square().sum() |],
                        variables,
                        retain_graph = true,
                        create_graph = true
                    )

                let length = first |> Seq.map (fun gradient -> gradient.square().sum()) |> Seq.reduce (+)
                torch.autograd.grad ([| length |], variables) |> List.ofSeq

            for got, expected in List.zip (second (fun q k -> score.Scores(q, k))) (second (atOnce score)) do
                Expect.isGreaterThan (expected.abs().sum().ToDouble()) 1e-3 "there is one"
                Expect.isLessThan (Tensors.distance got expected) 1e-10 "of query, key and vector"
        }

        test "gives the same bits with and without gradients" {
            let score = score 4
            let q, k = draw "query" [ 1; 1; 6; 4 ], draw "key" [ 1; 1; 6; 4 ]
            let withGradient = score.Scores(q, k)
            use noGradient = torch.no_grad ()
            Expect.equal (Tensors.bits (score.Scores(q, k))) (Tensors.bits withGradient) "no rounding"
        }
    ]

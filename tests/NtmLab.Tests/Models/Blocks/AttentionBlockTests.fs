module NtmLab.Tests.Models.Blocks.AttentionBlockTests

open System
open Expecto
open NtmLab
open NtmLab.Models.Blocks
open NtmLab.Tests
open TorchSharp
open type TorchSharp.torch.nn

let private width, heads, batch = 6, 3, 2

/// A block whose parameters are all away from zero, in double precision.
let private block () : AttentionBlock =
    let block = (new AttentionBlock(width, heads, RandomStream(1UL, "block"))).``to`` torch.float64
    use noGradient = torch.no_grad ()
    let random = RandomStream(2UL, "stir")

    for parameter in block.parameters () do
        let noise = Tensors.uniform random -0.5 0.5 (parameter.shape |> Array.map int |> Array.toList)
        parameter.add_ noise |> ignore

    block

let private input (time: int) : torch.Tensor =
    Tensors.uniform (RandomStream(3UL, "input")) -1.0 1.0 [ batch; time; width ]

/// The block over whole sequences, with or without rotation.
let private run (block: AttentionBlock) (context: int) (rotary: bool) (x: torch.Tensor) : torch.Tensor =
    let window = AttentionWindow(context, x.shape[1], torch.CPU)

    let rotation: Rotation | null =
        if rotary then
            Rotation(window.Steps, width / heads, x.dtype)
        else
            null

    block.Forward(x, window, rotation)

let private normed (block: AttentionBlock) (x: torch.Tensor) : torch.Tensor =
    let parameter = Tensors.parameter block
    functional.layer_norm (x, [| int64 width |], parameter "norm.scale", parameter "norm.shift", 1e-5)

/// Queries, keys and values by the block's weights, `[batch, heads, time, width / heads]` each.
let private projected (block: AttentionBlock) (x: torch.Tensor) : torch.Tensor[] =
    let all = (normed block x).matmul((Tensors.parameter block "query_key_value.weight").t())

    all.chunk (3L, -1L)
    |> Array.map (fun part -> torch.stack (part.chunk (int64 heads, -1L), 1L))

/// x + W_output concat_heads(read) + b.
let private merged (block: AttentionBlock) (x: torch.Tensor) (read: torch.Tensor) : torch.Tensor =
    let weight, bias = Tensors.parameter block "output.weight", Tensors.parameter block "output.bias"
    x + (torch.cat (read.unbind 1L, -1L)).matmul(weight.t ()) + bias

/// What a step may not see, as minus infinity, `[time, time]`.
let private hidden (context: int) (time: int) : torch.Tensor =
    let values = [|
        for t in 0 .. time - 1 do
            for i in 0 .. time - 1 ->
                if i > t || i <= t - context then
                    Double.NegativeInfinity
                else
                    0.0
    |]

    torch.tensor (values, int64 time, int64 time)

let tests =
    testList "AttentionBlock" [
        test "equals libtorch's multi-head attention with its weights" {
            use scope = torch.NewDisposeScope()
            let block = block ()
            let theirs = MultiheadAttention(int64 width, int64 heads).``to`` torch.float64

            use noGradient = torch.no_grad ()

            for name, ours in
                [
                    "in_proj_weight", Tensors.parameter block "query_key_value.weight"
                    "in_proj_bias", torch.zeros (3L * int64 width, torch.float64)
                    "out_proj.weight", Tensors.parameter block "output.weight"
                    "out_proj.bias", Tensors.parameter block "output.bias"
                ] do
                (Tensors.parameter theirs name).copy_ ours |> ignore

            for context, time in [ 9, 7; 3, 7 ] do
                let x = input time
                let y = (normed block x).transpose(0L, 1L)
                let attended, _ = theirs.call (y, y, y, null, false, hidden context time)
                let expected = x + attended.transpose (0L, 1L)

                Expect.isLessThan
                    (Tensors.distance (run block context false x) expected)
                    1e-12
                    $"context {context}"
        }

        test "equals libtorch's scaled dot-product attention with its projections" {
            use scope = torch.NewDisposeScope()
            let block = block ()

            for context, time in [ 8, 8; 3, 8 ] do
                let x = input time
                let parts = projected block x

                let read =
                    functional.scaled_dot_product_attention (
                        parts[0],
                        parts[1],
                        parts[2],
                        hidden context time
                    )

                let difference = Tensors.distance (run block context false x) (merged block x read)
                Expect.isLessThan difference 1e-12 $"context {context}"
        }

        for name, rotary in [ "without positions", false; "with rotary positions", true ] do
            test $"equals a loop over steps {name}" {
                use scope = torch.NewDisposeScope()
                let block = block ()
                let turn = if rotary then Array.mapi AttentionOracle.turn else id

                for context, time in [ 20, 9; 4, 3; 4, 4; 4, 5; 4, 11 ] do
                    let x = input time
                    let parts = projected block x |> Array.map AttentionOracle.sequences

                    let read =
                        Array.map3
                            (fun q k v ->
                                AttentionOracle.attend
                                    context
                                    (AttentionOracle.scaledDot (turn q) (turn k))
                                    v)
                            parts[0]
                            parts[1]
                            parts[2]
                        |> AttentionOracle.tensor (int64 batch)

                    let difference = Tensors.distance (run block context rotary x) (merged block x read)
                    Expect.isLessThan difference 1e-12 $"context {context}, {time} steps"
            }

        test "has the gradients of finite differences beyond its context" {
            let block = block ()
            let x = input 8

            GradientCheck.checkAll (("input", x) :: GradientCheck.parameters block) (fun () ->
                run block 3 true x)
        }

        test "counts the multiply-adds of its matrices and of a full context" {
            let projections = 4L * int64 (width * width)
            let scores, sums = 10L * int64 width, 10L * int64 width
            Expect.equal ((block ()).MultiplyAdds 10) (projections + scores + sums) "context 10"
        }
    ]

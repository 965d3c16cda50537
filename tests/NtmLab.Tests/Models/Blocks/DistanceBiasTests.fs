module NtmLab.Tests.Models.Blocks.DistanceBiasTests

open Expecto
open NtmLab.Models.Blocks
open NtmLab.Tests
open TorchSharp

let private bias () : DistanceBias =
    let bias = new DistanceBias(4)
    use noGradient = torch.no_grad ()

    (Tensors.parameter bias "bias").copy_(torch.tensor [| 10.0f; 11.0f; 12.0f; 13.0f |])
    |> ignore

    bias

let tests =
    testList "DistanceBias" [
        test "gives every pair that number which its distance has" {
            for queries, keys in [ 1L, 1L; 3L, 3L; 4L, 4L; 1L, 4L; 3L, 6L; 4L, 7L; 2L, 3L ] do
                let given = Tensors.values ((bias ()).Of(queries, keys))

                let expected = [|
                    for j in 0L .. queries - 1L do
                        for m in 0L .. keys - 1L do
                            let distance = j - m + keys - queries

                            if distance >= 0L && distance < 4L then
                                10.0 + float distance
                            else
                                0.0
                |]

                Expect.equal given expected $"{queries} queries, {keys} keys"
        }

        test "starts as nothing" {
            use fresh = new DistanceBias(4)
            Expect.equal (Tensors.values (fresh.Of(3L, 3L))) (Array.zeroCreate 9) "all 0"
        }
    ]

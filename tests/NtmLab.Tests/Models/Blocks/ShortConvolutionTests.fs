module NtmLab.Tests.Models.Blocks.ShortConvolutionTests

open Expecto
open NtmLab
open NtmLab.Models.Blocks
open NtmLab.Tests
open TorchSharp

let tests =
    testList "ShortConvolution" [
        for taps in [ 2; 4 ] do
            test $"with {taps} taps gives the numbers of libtorch's grouped convolution" {
                use scope = torch.NewDisposeScope()
                let channels = 3
                let convolution = new ShortConvolution(channels, taps, RandomStream(1UL, "convolution"))
                convolution.``to`` torch.float64 |> ignore

                for time in [ 1; 2; 7 ] do
                    let x = Tensors.uniform (RandomStream(2UL, "x")) -1.0 1.0 [ 2; time; channels ]
                    let struct (output, recent) = convolution.Run(x, convolution.Start 2L)
                    let padded = torch.cat ([| convolution.Start 2L; x |], 1L)

                    let kernel =
                        (Tensors.parameter convolution "weight").flip(0L).transpose(0L, 1L).unsqueeze 1L

                    let expected =
                        torch.nn.functional
                            .conv1d(padded.transpose (1L, 2L), kernel, groups = int64 channels)
                            .transpose(1L, 2L)

                    Expect.isLessThan (Tensors.distance output expected) 1e-12 $"{time} steps"

                    Expect.equal
                        (Tensors.bits recent)
                        (Tensors.bits (padded.narrow (1L, int64 time, int64 taps - 1L)))
                        "the last inputs"
            }
    ]

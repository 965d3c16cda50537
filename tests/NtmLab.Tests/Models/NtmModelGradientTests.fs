module NtmLab.Tests.Models.NtmModelGradientTests

open Expecto
open NtmLab
open NtmLab.Tests
open NtmLab.Tests.Samples
open TorchSharp

let tests =
    testList "NtmModel gradients" [
        for name, options in models do
            test $"with {name}: those of finite differences, in every parameter and the input" {
                let model = (build 5UL options).``to`` torch.float64
                stir 6UL model
                let x = Tensors.uniform (RandomStream(7UL, "input")) -1.0 1.0 [ 2; 4; inputWidth ]

                GradientCheck.checkAll (("input", x) :: GradientCheck.parameters model) (fun () ->
                    model.Forward x)
            }
    ]

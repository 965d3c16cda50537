module NtmLab.Tests.Memory.NamedStateTests

open System
open Expecto
open NtmLab.Memory
open NtmLab.Tests
open TorchSharp

let private state (parts: (string * torch.Tensor) list) : NamedState =
    NamedState [ for name, tensor in parts -> struct (name, tensor) ]

let private numbers (values: float list) : torch.Tensor = torch.tensor (Array.ofList values)

let private sample () : NamedState = state [ "first", numbers [ 1.0 ]; "second", numbers [ 2.0; 3.0 ] ]

/// The message with which an action fails for want of a name.
let private refusal (action: unit -> unit) : string =
    try
        action ()
        failtest "a name that is not there was accepted"
    with :? ArgumentException as fault ->
        fault.Message

let tests =
    testList "NamedState" [
        test "tensors are found by their names, and listed in their order" {
            let sample = sample ()
            Expect.equal (List.ofSeq sample.Names) [ "first"; "second" ] "names"
            Expect.equal (Tensors.values sample["second"]) [| 2.0; 3.0 |] "by name"
            Expect.equal [ for tensor in sample.Tensors -> tensor.numel () ] [ 1L; 2L ] "in order"
        }

        test "setting a tensor makes another state and leaves the first" {
            let sample = sample ()
            let changed = sample.Set("first", numbers [ 7.0 ])
            Expect.equal (Tensors.values changed["first"]) [| 7.0 |] "the new one"
            Expect.equal (Tensors.values sample["first"]) [| 1.0 |] "the old one"
            Expect.equal (List.ofSeq changed.Names) [ "first"; "second" ] "in the same order"
        }

        test "a name that is not there is refused with those that are" {
            let sample = sample ()

            for action in
                [
                    (fun () -> sample["third"] |> ignore)
                    (fun () -> sample.Set("third", numbers []) |> ignore)
                ] do
                let message = refusal action

                for word in [ "'third'"; "first, second" ] do
                    Expect.stringContains message word "the names"
        }

        test "another state of the kind has the same names" {
            let other = (sample ()).With [| numbers [ 5.0 ]; numbers [ 6.0; 7.0 ] |] :?> NamedState
            Expect.equal (Tensors.values other["first"]) [| 5.0 |] "the first tensor"
            Expect.equal (Tensors.values other["second"]) [| 6.0; 7.0 |] "the second"
        }

        test "tensors of other names have neither price nor slots" {
            Expect.isNull (sample ()).Price "no price"
            Expect.isNull (sample ()).SlotsUsed "no slots"
        }

        test "the price is what goes by that name" {
            let priced = state [ NamedState.PriceName, numbers [ 0.5; 2.0 ] ]
            Expect.equal (Tensors.values (nonNull priced.Price)) [| 0.5; 2.0 |] "as it is"
        }

        test "slots of any strength count as used" {
            let strength = (Tensors.rows [ [ 0.0; 1.0; 0.25 ]; [ 0.0; 0.0; 0.0 ] ]).squeeze 0L
            let held = state [ NamedState.StrengthName, strength ]
            Expect.equal (Tensors.values (nonNull held.SlotsUsed)) [| 2.0; 0.0 |] "of each sequence"
        }
    ]

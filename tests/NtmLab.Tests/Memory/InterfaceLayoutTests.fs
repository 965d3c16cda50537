module NtmLab.Tests.Memory.InterfaceLayoutTests

open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Tests
open TorchSharp

let private layout () : InterfaceLayout =
    InterfaceLayout().Add("key", 2, 3).Add("gate", 2, 1).Add("shift", 1, 3)

let tests =
    testList "InterfaceLayout" [
        test "the size is the sum of all parts" { Expect.equal (layout().Size) 11 "2 x 3 + 2 x 1 + 1 x 3" }

        test "every value belongs to exactly one part" {
            let parts = layout().Split("policy", torch.arange(22L).view(2L, 11L))

            let dealt =
                [ "key"; "gate"; "shift" ]
                |> List.collect (fun name -> Tensors.values parts[name] |> List.ofArray)

            Expect.equal (List.sort dealt) [ 0.0 .. 21.0 ] "nothing is dropped or given twice"
        }

        test "a part holds its heads one after the other" {
            let parts = layout().Split("policy", torch.arange(11L).view(1L, 11L))

            Expect.equal
                (Tensors.values3 parts["key"])
                [| [| [| 0.0; 1.0; 2.0 |]; [| 3.0; 4.0; 5.0 |] |] |]
                "two keys"

            Expect.equal (Tensors.values3 parts["gate"]) [| [| [| 6.0 |]; [| 7.0 |] |] |] "two gates"
        }

        test "a part that is not there is named, with those that are" {
            let parts = layout().Split("policy 'ntm'", torch.zeros (1L, 11L))

            Faults.says<ConfigurationException> [ "policy 'ntm'"; "'kee'"; "key, gate, shift" ] (fun () ->
                parts["kee"] |> ignore)
        }

        test "two parts of one name, or one without values, are refused" {
            Faults.says<ConfigurationException> [ "'gate'"; "a name of its own" ] (fun () ->
                layout().Add("gate", 1, 1) |> ignore)

            Faults.says<ConfigurationException> [ "'mode': heads: 0"; "1 or more" ] (fun () ->
                layout().Add("mode", 0, 3) |> ignore)

            Faults.says<ConfigurationException> [ "'mode': width: 0"; "1 or more" ] (fun () ->
                layout().Add("mode", 1, 0) |> ignore)
        }

        test "another number of values is refused with the owner's name" {
            Faults.says<ShapeException> [ "policy 'ntm'"; "[1, 10]"; "[any, 11]" ] (fun () ->
                layout().Split("policy 'ntm'", torch.zeros (1L, 10L)) |> ignore)
        }
    ]

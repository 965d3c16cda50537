module NtmLab.Tests.ShapeTests

open Expecto
open NtmLab
open TorchSharp

let private require (tensor: torch.Tensor) (wanted: int64[]) : unit =
    Shape.Require("model 'ntm'", "input [batch, feature]", tensor, wanted) |> ignore

let tests =
    testList "Shape" [
        test "the wanted shape is accepted" { require (torch.zeros (2L, 3L)) [| 2L; 3L |] }

        test "any size is accepted where any is wanted" { require (torch.zeros (2L, 3L)) [| Shape.Any; 3L |] }

        test "another size is refused with argument, shape and wanted shape" {
            Faults.says<ShapeException>
                [ "model 'ntm'"; "input [batch, feature]"; "[2, 4]"; "[any, 3]" ]
                (fun () -> require (torch.zeros (2L, 4L)) [| Shape.Any; 3L |])
        }

        test "another number of dimensions is refused" {
            Faults.says<ShapeException> [ "[2, 3, 1]"; "[2, 3]" ] (fun () ->
                require (torch.zeros (2L, 3L, 1L)) [| 2L; 3L |])
        }
    ]

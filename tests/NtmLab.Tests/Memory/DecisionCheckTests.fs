module NtmLab.Tests.Memory.DecisionCheckTests

open Expecto
open NtmLab
open NtmLab.Memory
open NtmLab.Models
open NtmLab.Tests
open TorchSharp

let private batch = 4L

let private slots = 3L

let private width = 2L

/// A policy that decides what it is told to.
type private Told(write: WriteDecision, read: torch.Tensor, grows: bool) =
    inherit MemoryPolicy("told", int width, 1, 1)
    override _.Grows = grows
    override _.InterfaceSize = 1
    override _.StateSize _ = 0L
    override _.MultiplyAddsPerStep _ = 0L
    override _.Start _ = NamedState []
    override _.Write(_, _, state) = struct (write, state)
    override _.Read(_, _, state) = struct (ReadDecision read, state)

let private over (size: int64) : torch.Tensor = torch.zeros (batch, 1L, size)

/// What is right for a memory of three slots.
let private right () = WriteDecision(over slots, over width, over width)

/// One step of a model with such a policy.
let private step (grows: bool) (write: WriteDecision) (read: torch.Tensor) : ModelState =
    use policy = new Told(write, read, grows)
    let options = FifoOptions(Controller = Samples.feedForward 2, Slots = int slots, Width = int width)
    use model = new MemoryModel(1, 1, options, policy, RandomStream(1UL, "model"))
    let struct (_, state) = model.Step(torch.zeros (batch, 1L), model.InitialState batch)
    state

let private refused<'fault when 'fault :> NtmLabException> (words: string list) (grows: bool) write read =
    Faults.says<'fault> ("policy 'told'" :: words) (fun () -> step grows write read |> ignore)

let private writes: (string * (torch.Tensor -> WriteDecision) * int64) list = [
    "weighting", (fun wrong -> WriteDecision(wrong, over width, over width)), slots
    "erase vectors", (fun wrong -> WriteDecision(over slots, wrong, over width)), width
    "add vectors", (fun wrong -> WriteDecision(over slots, over width, wrong)), width
]

let private numbers: (string * float) list = [ "NaN", nan; "infinity", infinity ]

/// Values of which one is not finite, in every kind of tensor of the memory's type.
let private spoilt (size: int64) (number: float) : torch.Tensor list =
    let plain = over size
    plain[2L, 0L, size - 1L].fill_(number.ToScalar()) |> ignore

    [ plain; plain.expand (batch, 1L, size); plain.transpose(0L, 1L).contiguous().transpose(0L, 1L) ]

let tests =
    testList "DecisionCheck" [
        test "decisions that fit are acted on" {
            let state = step false (right ()) (over slots)
            Expect.equal (MemoryModel.Contents state).Memory.shape [| batch; slots; width |] "a step"
        }

        for value, write, size in writes do
            test $"a write's {value} of another shape is refused with both shapes" {
                for wrong, shape in
                    [
                        torch.zeros (batch, 1L, size - 1L), $"[4, 1, {size - 1L}]"
                        torch.zeros (batch, 1L, size + 1L), $"[4, 1, {size + 1L}]"
                        torch.zeros (batch, 2L, size), $"[4, 2, {size}]"
                        torch.zeros (batch + 1L, 1L, size), $"[5, 1, {size}]"
                        torch.zeros (batch, size), $"[4, {size}]"
                    ] do
                    refused<ShapeException>
                        [ "Write"; value; $"shape {shape}"; $"[4, 1, {size}] is wanted" ]
                        false
                        (write wrong)
                        (over slots)
            }

            for name, number in numbers do
                test $"a write's {value} with {name} is refused by name" {
                    for wrong in spoilt size number do
                        refused<DivergenceException>
                            [ "Write"; value; "not finite" ]
                            false
                            (write wrong)
                            (over slots)
                }

        test "a read's weighting of another shape is refused with both shapes" {
            for wrong, shape in [ over (slots + 1L), "[4, 1, 4]"; torch.zeros (batch, slots), "[4, 3]" ] do
                refused<ShapeException>
                    [ "Read"; "weighting"; shape; "[4, 1, 3] is wanted" ]
                    false
                    (right ())
                    wrong
        }

        for name, number in numbers do
            test $"a read's weighting with {name} is refused by name" {
                for wrong in spoilt slots number do
                    refused<DivergenceException> [ "Read"; "weighting"; "not finite" ] false (right ()) wrong
            }

        test "a memory that grows gets the slots that a write asks for" {
            let write = WriteDecision(over 2L, over width, over width)
            let state = step true write (over 2L)
            Expect.equal (MemoryModel.Contents state).Memory.shape [| batch; 2L; width |] "two at once"
        }

        test "a memory that grows beyond the model's slots is refused with both numbers" {
            let write = WriteDecision(over 4L, over width, over width)
            refused<ConfigurationException> [ "model.slots: 3 is not enough"; "slot 4" ] true write (over 4L)
        }
    ]

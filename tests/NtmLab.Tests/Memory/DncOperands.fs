/// Random values for the laws of a Differentiable Neural Computer's addressing.
module NtmLab.Tests.Memory.DncOperands

open NtmLab
open NtmLab.Tests
open NtmLab.Tests.Memory.AddressingCase
open TorchSharp

/// All that the functions take, in double precision and in the ranges they accept.
type DncOperands(case: AddressingCase) =
    let random = RandomStream(case.Seed, "dnc addressing")
    let uniform low high heads width = Tensors.uniform random low high [ case.Batch; heads; width ]
    // Weightings that sum to less than 1.
    let weighting heads =
        Tensors.weightings random [ case.Batch; heads; case.Slots ]
        * uniform 0.0 1.0 heads 1

    member val FreeGate = uniform 0.0 1.0 case.Heads 1
    member val LastRead = weighting case.Heads
    member val LastWrite = weighting 1
    member val Usage = uniform 0.0 1.0 1 case.Slots
    member val Retention = uniform 0.0 1.0 1 case.Slots
    member val WriteGate = uniform 0.0 1.0 1 1
    member val AllocationGate = uniform 0.0 1.0 1 1
    member val Allocation = weighting 1
    member val Content = Tensors.weightings random [ case.Batch; 1; case.Slots ]
    member val Precedence = weighting 1
    member val Write = weighting 1
    member val Links = uniform 0.0 1.0 case.Slots case.Slots
    member val Modes = Tensors.weightings random [ case.Batch; case.Heads; 3 ]
    member val Backward = weighting case.Heads
    member val ReadContent = weighting case.Heads
    member val Forward = weighting case.Heads
    member val Key = uniform -1.0 1.0 case.Heads case.Width
    member val KeyStrength = uniform 1.0 20.0 case.Heads 1
    member val Mask = uniform 0.0 1.0 case.Heads case.Width
    member val Memory = uniform -1.0 1.0 case.Slots case.Width
    member val Sharpening = uniform 1.0 5.0 case.Heads 1

/// The values of one sequence; the first index is the head.
let heads (tensor: torch.Tensor) (sequence: int) : float[][] = (Tensors.values3 tensor)[sequence]

/// One head's values.
let head (tensor: torch.Tensor) (sequence: int) (head: int) : float[] =
    heads tensor sequence |> Array.item head

/// The only head's values.
let only (tensor: torch.Tensor) (sequence: int) : float[] = head tensor sequence 0

/// One value of each head.
let each (tensor: torch.Tensor) (sequence: int) : float[] =
    heads tensor sequence |> Array.map Array.exactlyOne

/// The only value of the only head.
let value (tensor: torch.Tensor) (sequence: int) : float = each tensor sequence |> Array.exactlyOne

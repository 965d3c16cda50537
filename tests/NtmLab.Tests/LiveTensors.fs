/// Counts tensors that live, in this whole process: no other test may run meanwhile.
module NtmLab.Tests.LiveTensors

open System
open TorchSharp

/// Tensors that live after an action and did not live before it. Tensors of other tests that the garbage
/// collector would find meanwhile are collected first.
let left (action: unit -> unit) : int64 =
    GC.Collect()
    GC.WaitForPendingFinalizers()
    GC.Collect()
    let before = torch.Tensor.TotalCount
    // Nothing may depend on the garbage collector: it does not know how much memory tensors hold.
    GC.TryStartNoGCRegion(100_000_000L) |> ignore

    try
        action ()
        torch.Tensor.TotalCount - before
    finally
        if Runtime.GCSettings.LatencyMode = Runtime.GCLatencyMode.NoGCRegion then
            GC.EndNoGCRegion()

/// A policy without a model around it.
module NtmLab.Tests.Memory.PolicyStep

open NtmLab.Memory
open TorchSharp

/// The memory with as many blank slots at its end as a weighting over more of them asks for.
let private grown (memory: torch.Tensor) (weighting: torch.Tensor) : torch.Tensor =
    let blank =
        torch.zeros (memory.shape[0], weighting.shape[2] - memory.shape[1], memory.shape[2], memory.dtype)

    torch.cat ([| memory; blank |], 1L)

/// One step of a policy on its memory, as a model takes it.
let take (policy: MemoryPolicy) (values: torch.Tensor) (memory: torch.Tensor, state: PolicyState) =
    let struct (write, state) = policy.Write(memory, values, state)
    let memory = grown memory write.Weighting
    let memory = Addressing.Write(memory, write.Weighting, write.Erase, write.Add)
    let struct (read, state) = policy.Read(memory, values, state)
    write, read, (memory, state)

/// What opens a gate fully: its logistic function is 1 exactly.
let opened: float = 1000.0

/// What closes a gate fully: its logistic function is 0 exactly.
let closed: float = -1000.0

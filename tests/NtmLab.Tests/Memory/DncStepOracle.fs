/// A step of the Differentiable Neural Computer as plain loops over doubles, with every option: one sequence at a time.
module NtmLab.Tests.Memory.DncStepOracle

open NtmLab.Models
open NtmLab.Tests.Memory.DncOracle

/// What a controller says in one step, before anything is brought into its range; the first index is the read head.
type Said = {
    ReadKey: float[][]
    ReadStrength: float[]
    WriteKey: float[]
    WriteStrength: float
    Erase: float[]
    Vector: float[]
    FreeGate: float[]
    AllocationGate: float
    WriteGate: float
    /// Backward, content, forward.
    Modes: float[][]
    ReadMask: float[][]
    WriteMask: float[]
    BackwardSharpening: float[]
    ForwardSharpening: float[]
}

/// The values in the order of the paper's interface vector, then those of the improvements.
let interfaceValues (options: DncOptions) (said: Said) : float[] = [|
    yield! Array.concat said.ReadKey
    yield! said.ReadStrength
    yield! said.WriteKey
    said.WriteStrength
    yield! said.Erase
    yield! said.Vector
    yield! said.FreeGate
    said.AllocationGate
    said.WriteGate

    if options.Links then
        yield! Array.concat said.Modes

    if options.MaskContent then
        yield! Array.concat said.ReadMask
        yield! said.WriteMask

    if options.SharpenLinks then
        yield! said.BackwardSharpening
        yield! said.ForwardSharpening
|]

/// A memory and all that is carried beside it.
type State = {
    Memory: float[][]
    Usage: float[]
    Reads: float[][]
    Write: float[]
    Precedence: float[]
    Links: float[][]
}

/// Nothing used, written, read or linked.
let start (memory: float[][]) (heads: int) : State =
    let slots = memory.Length
    let zeros (count: int) : float[] = Array.zeroCreate count

    {
        Memory = memory
        Usage = zeros slots
        Reads = Array.init heads (fun _ -> zeros slots)
        Write = zeros slots
        Precedence = zeros slots
        Links = Array.init slots (fun _ -> zeros slots)
    }

let private logistic (x: float) : float = 1.0 / (1.0 + exp -x)

let private oneplus (x: float) : float = 1.0 + log (1.0 + exp x)

let private softmax (x: float[]) : float[] =
    let exponentials = Array.map exp x
    exponentials |> Array.map (fun e -> e / Array.sum exponentials)

/// One step: the write, then the reads.
let step (options: DncOptions) (said: Said) (last: State) : State =
    let content key strength mask memory =
        if options.MaskContent then
            maskedContent key (oneplus strength) (Array.map logistic mask) memory
        else
            AddressingOracle.content key (oneplus strength) memory

    let retention = retention (Array.map logistic said.FreeGate) last.Reads
    let usage = usage last.Usage last.Write retention

    let write =
        writeWeighting
            (logistic said.WriteGate)
            (logistic said.AllocationGate)
            (allocation usage)
            (content said.WriteKey said.WriteStrength said.WriteMask last.Memory)

    let kept =
        if options.Deallocate then
            Array.map2 (fun psi slot -> Array.map ((*) psi) slot) retention last.Memory
        else
            last.Memory

    let memory =
        AddressingOracle.write kept [| write |] [| Array.map logistic said.Erase |] [| said.Vector |]

    let links = links last.Links last.Precedence write

    let follow (weighting: float[]) sharpening =
        if options.SharpenLinks then
            sharpenLinks weighting (oneplus sharpening)
        else
            weighting

    let read head (lastRead: float[]) =
        let content = content said.ReadKey[head] said.ReadStrength[head] said.ReadMask[head] memory

        if options.Links then
            readWeighting
                (softmax said.Modes[head])
                (follow (backward links lastRead) said.BackwardSharpening[head])
                content
                (follow (forward links lastRead) said.ForwardSharpening[head])
        else
            content

    {
        Memory = memory
        Usage = usage
        Reads = Array.mapi read last.Reads
        Write = write
        Precedence = precedence last.Precedence write
        Links = links
    }

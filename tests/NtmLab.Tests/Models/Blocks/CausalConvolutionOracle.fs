/// Causal convolutions in plain loops.
module NtmLab.Tests.Models.Blocks.CausalConvolutionOracle

open NtmLab.Tests
open TorchSharp

/// The parameters of one convolution.
type Convolution = {
    /// W, `[output][input][tap]`, normalised if it is.
    Weight: float[][][]
    Bias: float[]
    Dilation: int
}

/// Reads a convolution's parameters; `path` is its name in the model with a dot after it, or empty.
let read (owner: torch.nn.Module) (path: string) (dilation: int) : Convolution =
    let parameters = dict [ for struct (name, value) in owner.named_parameters () -> name, value ]

    let weight =
        if parameters.ContainsKey(path + "weight") then
            Tensors.values3 parameters[path + "weight"]
        else
            let lengths = Tensors.values parameters[path + "weight_g"]

            Tensors.values3 parameters[path + "weight_v"]
            |> Array.mapi (fun output direction ->
                let norm = sqrt (direction |> Array.sumBy (Array.sumBy (fun v -> v * v)))
                direction |> Array.map (Array.map (fun v -> lengths[output] * v / norm)))

    {
        Weight = weight
        Bias = Tensors.values parameters[path + "bias"]
        Dilation = dilation
    }

/// The outputs `[time][output]` for the inputs `[time][input]`; before the first there are zeros.
let convolve (convolution: Convolution) (inputs: float[][]) : float[][] =
    let kernel = (convolution.Weight |> Array.head |> Array.head).Length

    let at (time: int) (input: int) = if time < 0 then 0.0 else inputs[time][input]

    let output (time: int) (weights: float[][]) (bias: float) : float =
        let products = [
            for input in 0 .. weights.Length - 1 do
                for tap in 0 .. kernel - 1 do
                    // The last tap sees the present step.
                    let seen = time - (kernel - 1 - tap) * convolution.Dilation
                    yield weights[input][tap] * at seen input
        ]

        bias + List.sum products

    [|
        for time in 0 .. inputs.Length - 1 -> Array.map2 (output time) convolution.Weight convolution.Bias
    |]

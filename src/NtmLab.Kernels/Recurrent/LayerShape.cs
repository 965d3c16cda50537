namespace NtmLab.Kernels;

/// <summary>The sizes of one layer.</summary>
/// <param name="Kind">What the layer computes.</param>
/// <param name="Inputs">Features of its input.</param>
/// <param name="Reads">Width of what it sees beside: a controller's first layer sees what was read one step ago; else 0.</param>
/// <param name="Units">Its width.</param>
internal sealed record LayerShape(CellKind Kind, int Inputs, int Reads, int Units)
{
    /// <summary>Values of all gates, as stacked in the weights.</summary>
    public int GateRows => Kind.Gates() * Units;

    /// <summary>Values kept in each step.</summary>
    public int BlockValues => Kind.Blocks() * Units;

    /// <summary>Columns of the input's weight.</summary>
    public int Seen => Inputs + Reads;

    /// <summary>The layer's parameters, in the order of <see cref="LayerTensors.Take"/>.</summary>
    /// <param name="path">What stands before each name in the model's paths.</param>
    /// <param name="layer">The layer's number.</param>
    public IEnumerable<NetworkPart> Parameters(string path, int layer)
    {
        yield return new NetworkPart($"{path}input_weight_{layer}", GateRows, Seen);
        yield return new NetworkPart($"{path}bias_{layer}", GateRows);
        if (Kind.IsRecurrent())
        {
            yield return new NetworkPart($"{path}hidden_weight_{layer}", GateRows, Units);
        }

        if (Kind == CellKind.Gru)
        {
            yield return new NetworkPart($"{path}candidate_bias_{layer}", Units);
        }
    }
}

/// <summary>
/// Where the parameters of one layer lie, or where their gradients go; row-major, gates in libtorch's order.
/// </summary>
internal readonly unsafe struct LayerTensors
{
    /// <summary><c>[gates units, inputs + reads]</c>.</summary>
    public float* InputWeight { get; init; }

    /// <summary><c>[gates units, units]</c>; null for a feed-forward layer.</summary>
    public float* HiddenWeight { get; init; }

    /// <summary><c>[gates units]</c>.</summary>
    public float* Bias { get; init; }

    /// <summary><c>[units]</c>: what a GRU adds to its candidate's product with the hidden state; else null.</summary>
    public float* CandidateBias { get; init; }

    /// <summary>Finds the tensors of a layer in a list of all, and passes over them.</summary>
    public static LayerTensors Take(CellKind kind, IReadOnlyList<SequenceTensor> parameters, ref int next) => new()
    {
        InputWeight = parameters[next++].Values,
        Bias = parameters[next++].Values,
        HiddenWeight = kind.IsRecurrent() ? parameters[next++].Values : null,
        CandidateBias = kind == CellKind.Gru ? parameters[next++].Values : null,
    };
}

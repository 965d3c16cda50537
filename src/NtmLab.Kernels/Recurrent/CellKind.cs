namespace NtmLab.Kernels;

/// <summary>
/// The layers that the kernels know. Weights and biases are stacked by gate in libtorch's order: input, forget, cell, output
/// for LSTM; reset, update, candidate for GRU.
/// </summary>
public enum CellKind
{
    /// <summary><c>h = tanh(W x + b)</c>: no memory of its own.</summary>
    FeedForward,

    /// <summary><c>h' = tanh(W x + U h + b)</c> (Elman 1990).</summary>
    Rnn,

    /// <summary>Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).</summary>
    Lstm,

    /// <summary>Gated recurrent unit (Cho et al. 2014), the candidate's reset after its product, as libtorch has it.</summary>
    Gru,
}

/// <summary>
/// How a layer's values of one step are laid out: in blocks of one value a unit. A GRU's candidate needs what comes from the
/// input and what comes from the hidden state apart, so it has four blocks for three gates: candidate from the input, reset,
/// update, candidate from the hidden state. Products with the input reach the first three, products with the hidden state
/// the last three.
/// </summary>
internal static class CellKinds
{
    /// <summary>Gates in the weights.</summary>
    public static int Gates(this CellKind kind) => kind switch
    {
        CellKind.Lstm => 4,
        CellKind.Gru => 3,
        _ => 1,
    };

    /// <summary>Blocks of values in each step.</summary>
    public static int Blocks(this CellKind kind) => kind is CellKind.Lstm or CellKind.Gru ? 4 : 1;

    /// <summary>Whether a layer sees its own hidden state.</summary>
    public static bool IsRecurrent(this CellKind kind) => kind != CellKind.FeedForward;

    /// <summary>Whether a layer has a cell beside its hidden state.</summary>
    public static bool HasCell(this CellKind kind) => kind == CellKind.Lstm;

    /// <summary>What layers of a kind carry for one sequence: the hidden state of each, then the cell of each.</summary>
    public static IEnumerable<NetworkPart> State(this CellKind kind, int layers, int units)
    {
        IEnumerable<NetworkPart> Each(string name) =>
            Enumerable.Range(0, layers).Select(layer => new NetworkPart($"{name} of layer {layer}", units));
        return (kind.IsRecurrent() ? Each("hidden state") : []).Concat(kind.HasCell() ? Each("cell") : []);
    }

    /// <summary>The first block that products with the hidden state reach.</summary>
    public static int FirstHiddenBlock(this CellKind kind) => kind == CellKind.Gru ? 1 : 0;

    /// <summary>The block that a gate's products with the input go to.</summary>
    public static int InputBlock(this CellKind kind, int gate) => kind == CellKind.Gru ? (gate + 1) % 3 : gate;

    /// <summary>The block that a gate's products with the hidden state go to.</summary>
    public static int HiddenBlock(this CellKind kind, int gate) => kind == CellKind.Gru ? gate + 1 : gate;
}

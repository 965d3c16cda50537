namespace NtmLab.Kernels;

/// <summary>The sizes of a stack of recurrent layers, each of which sees the output of the one below.</summary>
/// <param name="Kind">What the layers compute.</param>
/// <param name="Layers">How many.</param>
/// <param name="Inputs">Features of the input in each step.</param>
/// <param name="Units">Width of each layer, and of the output.</param>
public sealed record RecurrentShape(CellKind Kind, int Layers, int Inputs, int Units)
{
    /// <summary>Checks every size.</summary>
    /// <exception cref="ArgumentException">A size is out of range; the message names it.</exception>
    public void Validate()
    {
        foreach (var (name, value) in new[] { (nameof(Layers), Layers), (nameof(Inputs), Inputs), (nameof(Units), Units) })
        {
            if (value < 1)
            {
                throw new ArgumentException($"{name}: {value} is not allowed; 1 or more is.");
            }
        }
    }

    /// <summary>The sizes of one layer.</summary>
    internal LayerShape Layer(int index) => new(Kind, index == 0 ? Inputs : Units, 0, Units);
}

/// <summary>What recurrent layers carry from step to step.</summary>
public sealed class RecurrentState
{
    /// <summary>The hidden state of each layer, <c>[units]</c>; empty for feed-forward layers.</summary>
    public required IReadOnlyList<StateTensor> Hidden { get; init; }

    /// <summary>The cell of each layer, <c>[units]</c>; empty unless the layers are LSTM.</summary>
    public required IReadOnlyList<StateTensor> Cells { get; init; }
}

/// <summary>One batch that goes through recurrent layers.</summary>
public sealed unsafe class RecurrentCall
{
    /// <summary>The parameters of each layer.</summary>
    public required IReadOnlyList<LayerTensors> Parameters { get; init; }

    /// <summary>A number that stands for the parameters' values, so that the same need no preparing; 0 if unknown.</summary>
    public long ParameterVersion { get; init; }

    /// <summary>Sequences; 1 or more.</summary>
    public required int Batch { get; init; }

    /// <summary>Steps; 1 or more.</summary>
    public required int Time { get; init; }

    /// <summary>Inputs, <c>[batch, time, inputs]</c>.</summary>
    public required float* Input { get; init; }

    /// <summary>The state before the first step.</summary>
    public required RecurrentState Start { get; init; }

    /// <summary>Gets the output of the last layer, <c>[batch, time, units]</c>.</summary>
    public required float* Output { get; init; }

    /// <summary>Gets the state after the last step, one for each sequence; null if it is not wanted.</summary>
    public RecurrentState? Final { get; init; }
}

/// <summary>The backward pass of a <see cref="RecurrentCall"/>: what comes in, and where gradients go.</summary>
public sealed unsafe class RecurrentBackwardCall
{
    /// <summary>Gradients of the output, <c>[batch, time, units]</c>.</summary>
    public required float* OutputGradients { get; init; }

    /// <summary>Gradients of the final state, one for each sequence; null, as a whole or in part, where they are 0.</summary>
    public RecurrentState? FinalGradients { get; init; }

    /// <summary>Get the parameters' gradients.</summary>
    public required IReadOnlyList<LayerTensors> Gradients { get; init; }

    /// <summary>Gets the input's gradients, <c>[batch, time, inputs]</c>; null if they are not wanted.</summary>
    public float* InputGradients { get; init; }

    /// <summary>Gets the gradients of the start, shared where the start is; null, as a whole or in part, where not wanted.</summary>
    public RecurrentState? StartGradients { get; init; }
}

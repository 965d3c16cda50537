namespace NtmLab.Kernels;

/// <summary>The sizes of a network that a <see cref="SequenceKernel"/> computes, and the tensors that it computes with.</summary>
public abstract record NetworkShape
{
    /// <summary>Features of the input in each step.</summary>
    public abstract int Inputs { get; init; }

    /// <summary>Width of the output in each step.</summary>
    public abstract int OutputWidth { get; }

    /// <summary>The parameters, in the order in which a call gives them; row-major.</summary>
    public abstract IReadOnlyList<NetworkPart> Parameters { get; }

    /// <summary>What is carried from step to step for one sequence, in the order in which a call gives it.</summary>
    public abstract IReadOnlyList<NetworkPart> State { get; }

    /// <summary>How many of the state's last parts the network starts by itself where a call leaves them out.</summary>
    public virtual int KnownParts => 0;

    /// <summary>Checks every size.</summary>
    /// <exception cref="ArgumentException">A size is out of range; the message names it.</exception>
    public abstract void Validate();

    /// <summary>Makes room for the packed parameters.</summary>
    internal abstract Network<T> Build<T>()
        where T : unmanaged, ILanes<T>;

    /// <summary>Requires sizes of 1 or more.</summary>
    private protected static void RequirePositive(params ReadOnlySpan<(string Name, int Value)> sizes)
    {
        foreach (var (name, value) in sizes)
        {
            if (value < 1)
            {
                throw new ArgumentException($"{name}: {value} is not allowed; 1 or more is.");
            }
        }
    }
}

/// <summary>One tensor that a network computes with.</summary>
/// <param name="Name">Its name; that of a parameter is its path in the model.</param>
/// <param name="Shape">Its shape; that of a state without the batch.</param>
public sealed record NetworkPart(string Name, params long[] Shape)
{
    /// <summary>Its values.</summary>
    public long Size => Shape.Aggregate(1L, (product, size) => product * size);
}

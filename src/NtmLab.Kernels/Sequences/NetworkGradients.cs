namespace NtmLab.Kernels;

/// <summary>
/// Gradients of one group of sequences. Groups are added in their own order, so that the sum does not depend on which thread
/// had which group.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal abstract class NetworkGradients<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private GradientMatrix<T>[]? _all;

    /// <summary>Bytes held.</summary>
    public long Bytes => All.Sum(matrix => matrix.Bytes);

    private GradientMatrix<T>[] All => _all ??= [.. Matrices()];

    /// <summary>Sets all to 0.</summary>
    public void Clear()
    {
        foreach (var matrix in All)
        {
            matrix.Clear();
        }
    }

    /// <summary>Adds the gradients of another group of the same network.</summary>
    public void Add(NetworkGradients<T> other)
    {
        for (var i = 0; i < All.Length; i++)
        {
            All[i].Add(other.All[i]);
        }
    }

    /// <summary>Copies the gradients of the parameters out in their layout.</summary>
    public abstract void CopyTo(IReadOnlyList<SequenceTensor> parameters);

    /// <summary>Copies the gradients of a shared start out, as far as they are wanted.</summary>
    public abstract void CopyStartTo(IReadOnlyList<SequenceTensor> start);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var matrix in All)
        {
            matrix.Dispose();
        }
    }

    /// <summary>Every sum, in an order of its own.</summary>
    protected abstract IEnumerable<GradientMatrix<T>> Matrices();
}

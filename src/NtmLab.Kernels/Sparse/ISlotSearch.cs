namespace NtmLab.Kernels;

/// <summary>
/// Finds the slots whose contents are most similar to a query, among the candidates of a <see cref="SparseMemory{T}"/>. What is
/// found need not be exact: weightings are computed from the contents of what was found.
/// </summary>
internal unsafe interface ISlotSearch : IDisposable
{
    /// <summary>Bytes held.</summary>
    long Bytes { get; }

    /// <summary>The slots of a new sequence are in the memory.</summary>
    void Start();

    /// <summary>
    /// A slot has new contents, in the memory already. What a backward pass takes back, and takes again, is not told: no search
    /// follows before the next sequence.
    /// </summary>
    void Put(int slot, float* row);

    /// <summary>Finds as many slots for each query as are read, the most similar first, no slot twice.</summary>
    /// <param name="queries">Queries, <c>[heads, padded width]</c>.</param>
    /// <param name="found">Gets the slots, <c>[heads, K]</c>.</param>
    void Search(float* queries, int* found);
}

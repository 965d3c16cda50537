namespace NtmLab.Kernels;

/// <content>Writing to and reading from one slot a head.</content>
internal sealed unsafe partial class MemoryMatrix<T>
{
    /// <summary>Writes where each head is on one slot alone: all erase, then all add; takes the norms of those slots.</summary>
    /// <param name="memory">M, which becomes M'.</param>
    /// <param name="slots">The slot of each write head.</param>
    /// <param name="erase">e, <c>[write heads, width]</c>.</param>
    /// <param name="add">a, <c>[write heads, width]</c>.</param>
    /// <param name="norms">n, <c>[padded slots]</c>.</param>
    public void WriteTo(float* memory, ReadOnlySpan<int> slots, float* erase, float* add, float* norms)
    {
        for (var h = 0; h < slots.Length; h++)
        {
            for (var m = 0; m < _width; m++)
            {
                memory[(m * _padded) + slots[h]] *= 1 - erase[(h * _width) + m];
            }
        }

        for (var h = 0; h < slots.Length; h++)
        {
            for (var m = 0; m < _width; m++)
            {
                memory[(m * _padded) + slots[h]] += add[(h * _width) + m];
            }
        }

        foreach (var slot in slots)
        {
            var squares = NormEpsilon * NormEpsilon;
            for (var m = 0; m < _width; m++)
            {
                var x = memory[(m * _padded) + slot];
                squares += x * x;
            }

            norms[slot] = MathF.Sqrt(squares);
        }
    }

    /// <summary>Reads where each head is on one slot alone.</summary>
    /// <param name="memory">M'.</param>
    /// <param name="slots">The slot of each read head.</param>
    /// <param name="reads">Gets the read vectors, <c>[read heads, width]</c>.</param>
    public void ReadFrom(float* memory, ReadOnlySpan<int> slots, float* reads)
    {
        for (var r = 0; r < slots.Length; r++)
        {
            for (var m = 0; m < _width; m++)
            {
                reads[(r * _width) + m] = memory[(m * _padded) + slots[r]];
            }
        }
    }
}

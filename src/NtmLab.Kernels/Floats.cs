using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>Moves runs of floats.</summary>
internal static unsafe class Floats
{
    /// <summary>Copies.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(float* source, float* target, long count) =>
        new ReadOnlySpan<float>(source, (int)count).CopyTo(new Span<float>(target, (int)count));

    /// <summary>Sets to 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Clear(float* target, long count) => new Span<float>(target, (int)count).Clear();
}

using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>
/// A row of floats that one instruction works on. Kernels are written once over this interface; the just-in-time compiler
/// makes one version for each width, with every call inlined.
/// </summary>
/// <typeparam name="T">The implementing type itself.</typeparam>
internal unsafe interface ILanes<T>
    where T : unmanaged, ILanes<T>
{
    /// <summary>The number of floats in a row.</summary>
    static abstract int Count { get; }

    /// <summary>Adds lane by lane.</summary>
    static abstract T operator +(T left, T right);

    /// <summary>Subtracts lane by lane.</summary>
    static abstract T operator -(T left, T right);

    /// <summary>Multiplies lane by lane.</summary>
    static abstract T operator *(T left, T right);

    /// <summary>Divides lane by lane.</summary>
    static abstract T operator /(T left, T right);

    /// <summary>Reads <see cref="Count"/> floats; the address needs no alignment.</summary>
    static abstract T Load(float* source);

    /// <summary>The same value in every lane.</summary>
    static abstract T All(float value);

    /// <summary><c>a b + c</c>, rounded once where the processor can.</summary>
    static abstract T MultiplyAdd(T a, T b, T c);

    /// <summary>The greater of each pair.</summary>
    static abstract T Max(T left, T right);

    /// <summary>The smaller of each pair.</summary>
    static abstract T Min(T left, T right);

    /// <summary>Square roots.</summary>
    static abstract T Sqrt(T value);

    /// <summary>The sum of all lanes, in an order that depends on the width alone.</summary>
    static abstract float Sum(T value);

    /// <summary>Stores the sums of four rows one after the other; faster than four times <see cref="Sum"/>.</summary>
    static abstract void SumFour(T a, T b, T c, T d, float* sums);

    /// <summary>The greatest lane.</summary>
    static abstract float Greatest(T value);

    /// <summary>Adds a whole number to the bits of each lane.</summary>
    static abstract T AddBits(T value, int addend);

    /// <summary>Adds the bits of each pair, as whole numbers.</summary>
    static abstract T AddBits(T left, T right);

    /// <summary>Keeps the bits of a mask in each lane.</summary>
    static abstract T AndBits(T value, int mask);

    /// <summary>Shifts the bits of each lane to the left.</summary>
    static abstract T ShiftBitsLeft(T value, int count);

    /// <summary>Shifts the bits of each lane to the right, keeping the sign.</summary>
    static abstract T ShiftBitsRight(T value, int count);

    /// <summary>Takes the bits of each lane as a whole number and gives it as a float.</summary>
    static abstract T WholeToFloat(T value);

    /// <summary>Writes <see cref="Count"/> floats; the address needs no alignment.</summary>
    void Store(float* destination);
}

/// <summary>Rounds sizes up to whole rows.</summary>
internal static class Rows
{
    /// <summary>The least multiple of the row's width that is not less than <paramref name="size"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Padded<T>(int size)
        where T : unmanaged, ILanes<T> => (size + T.Count - 1) / T.Count * T.Count;
}

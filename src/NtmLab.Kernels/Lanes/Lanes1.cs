using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>One float: the scalar path, for processors without vector registers and as a check of the others.</summary>
internal readonly unsafe struct Lanes1 : ILanes<Lanes1>
{
    private readonly float _value;

    private Lanes1(float value) => _value = value;

    /// <inheritdoc/>
    public static int Count => 1;

    private int Bits => BitConverter.SingleToInt32Bits(_value);

    /// <inheritdoc/>
    public static Lanes1 operator +(Lanes1 left, Lanes1 right) => new(left._value + right._value);

    /// <inheritdoc/>
    public static Lanes1 operator -(Lanes1 left, Lanes1 right) => new(left._value - right._value);

    /// <inheritdoc/>
    public static Lanes1 operator *(Lanes1 left, Lanes1 right) => new(left._value * right._value);

    /// <inheritdoc/>
    public static Lanes1 operator /(Lanes1 left, Lanes1 right) => new(left._value / right._value);

    /// <inheritdoc/>
    public static Lanes1 Load(float* source) => new(*source);

    /// <inheritdoc/>
    public static Lanes1 All(float value) => new(value);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes1 MultiplyAdd(Lanes1 a, Lanes1 b, Lanes1 c) =>
        new(MathF.FusedMultiplyAdd(a._value, b._value, c._value));

    /// <inheritdoc/>
    public static Lanes1 Max(Lanes1 left, Lanes1 right) => new(MathF.Max(left._value, right._value));

    /// <inheritdoc/>
    public static Lanes1 Min(Lanes1 left, Lanes1 right) => new(MathF.Min(left._value, right._value));

    /// <inheritdoc/>
    public static Lanes1 Sqrt(Lanes1 value) => new(MathF.Sqrt(value._value));

    /// <inheritdoc/>
    public static float Sum(Lanes1 value) => value._value;

    /// <inheritdoc/>
    public static void SumFour(Lanes1 a, Lanes1 b, Lanes1 c, Lanes1 d, float* sums) =>
        (sums[0], sums[1], sums[2], sums[3]) = (a._value, b._value, c._value, d._value);

    /// <inheritdoc/>
    public static float Greatest(Lanes1 value) => value._value;

    /// <inheritdoc/>
    public static Lanes1 AddBits(Lanes1 value, int addend) => OfBits(value.Bits + addend);

    /// <inheritdoc/>
    public static Lanes1 AddBits(Lanes1 left, Lanes1 right) => OfBits(left.Bits + right.Bits);

    /// <inheritdoc/>
    public static Lanes1 AndBits(Lanes1 value, int mask) => OfBits(value.Bits & mask);

    /// <inheritdoc/>
    public static Lanes1 ShiftBitsLeft(Lanes1 value, int count) => OfBits(value.Bits << count);

    /// <inheritdoc/>
    public static Lanes1 ShiftBitsRight(Lanes1 value, int count) => OfBits(value.Bits >> count);

    /// <inheritdoc/>
    public static Lanes1 WholeToFloat(Lanes1 value) => new(value.Bits);

    /// <inheritdoc/>
    public void Store(float* destination) => *destination = _value;

    private static Lanes1 OfBits(int bits) => new(BitConverter.Int32BitsToSingle(bits));
}

using System.Numerics;
using System.Text;

namespace NtmLab;

/// <summary>
/// A random stream that depends on nothing but its key (seed, purpose, index): the same key gives the same numbers on
/// every machine and in every version. Generator: xoshiro256** (Blackman and Vigna 2018), keyed through SplitMix64.
/// </summary>
public sealed class RandomStream : Random
{
    private ulong _a;
    private ulong _b;
    private ulong _c;
    private ulong _d;

    /// <summary>Opens the stream of a key.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="purpose">What the numbers are for, e.g. <c>train</c>; different purposes never share numbers.</param>
    /// <param name="index">Which member of the family of streams, e.g. the batch index.</param>
    public RandomStream(ulong seed, string purpose, ulong index = 0)
    {
        var key = Mix(seed + 0x9E3779B97F4A7C15UL);
        foreach (var value in Encoding.UTF8.GetBytes(purpose))
        {
            key = Mix(key ^ value);
        }

        key = Mix(key ^ Mix(index + 0xD1B54A32D192ED03UL));
        _a = Next(ref key);
        _b = Next(ref key);
        _c = Next(ref key);
        _d = Next(ref key);
    }

    /// <summary>A stream that goes on from where another one is, apart from it.</summary>
    public RandomStream(RandomStream other)
    {
        (_a, _b, _c, _d) = (other._a, other._b, other._c, other._d);
    }

    /// <summary>Whether another stream will give the same numbers from here on.</summary>
    public bool IsAt(RandomStream other) => (_a, _b, _c, _d) == (other._a, other._b, other._c, other._d);

    /// <summary>The next 64 random bits.</summary>
    public ulong NextBits()
    {
        var result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        var t = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= t;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>Fills a span with fair coin flips, 0 or 1.</summary>
    public void FillBits(Span<float> destination)
    {
        var bits = 0UL;
        for (var i = 0; i < destination.Length; i++)
        {
            if ((i & 63) == 0)
            {
                bits = NextBits();
            }

            destination[i] = bits & 1;
            bits >>= 1;
        }
    }

    /// <summary>
    /// Different whole numbers from 0 up to, not including, a bound, every choice and order equally likely: the first steps of a
    /// shuffle of all of them (Fisher and Yates), of which only the moved ones are kept.
    /// </summary>
    /// <param name="count">How many, at most the bound; each is drawn when it is asked for.</param>
    /// <param name="bound">How many there are to choose from.</param>
    public IEnumerable<long> Different(int count, long bound)
    {
        var moved = new Dictionary<long, long>();
        for (long i = 0; i < count; i++)
        {
            var place = NextInt64(i, bound);
            yield return moved.GetValueOrDefault(place, place);
            moved[place] = moved.GetValueOrDefault(i, i);
        }
    }

    /// <summary>A number uniform in [low, high).</summary>
    public double NextUniform(double low, double high) => low + ((high - low) * Sample());

    /// <summary>A standard normal number (Box and Muller 1958; one of the pair is kept, for simplicity).</summary>
    public double NextNormal()
    {
        var radius = Math.Sqrt(-2 * Math.Log(1 - Sample()));
        return radius * Math.Cos(2 * Math.PI * Sample());
    }

    /// <inheritdoc/>
    public override int Next() => (int)NextBelow(int.MaxValue);

    /// <inheritdoc/>
    public override int Next(int maxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxValue);
        return maxValue == 0 ? 0 : (int)NextBelow((ulong)maxValue);
    }

    /// <inheritdoc/>
    public override int Next(int minValue, int maxValue)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minValue, maxValue);
        return minValue == maxValue ? minValue : (int)(minValue + (long)NextBelow((ulong)((long)maxValue - minValue)));
    }

    /// <inheritdoc/>
    public override long NextInt64() => (long)NextBelow(long.MaxValue);

    /// <inheritdoc/>
    public override long NextInt64(long maxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxValue);
        return maxValue == 0 ? 0 : (long)NextBelow((ulong)maxValue);
    }

    /// <inheritdoc/>
    public override long NextInt64(long minValue, long maxValue)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minValue, maxValue);
        return minValue == maxValue ? minValue : unchecked(minValue + (long)NextBelow((ulong)maxValue - (ulong)minValue));
    }

    /// <inheritdoc/>
    public override double NextDouble() => Sample();

    /// <inheritdoc/>
    public override float NextSingle() => (NextBits() >> 40) * (1f / (1 << 24));

    /// <inheritdoc/>
    public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

    /// <inheritdoc/>
    public override void NextBytes(Span<byte> buffer)
    {
        for (var i = 0; i < buffer.Length; i++)
        {
            buffer[i] = (byte)NextBits();
        }
    }

    /// <inheritdoc/>
    protected override double Sample() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [0, bound) without bias (Lemire 2019, multiply and reject).</summary>
    private ulong NextBelow(ulong bound)
    {
        var high = Math.BigMul(NextBits(), bound, out var low);
        if (low < bound)
        {
            var threshold = unchecked(0UL - bound) % bound;
            while (low < threshold)
            {
                high = Math.BigMul(NextBits(), bound, out low);
            }
        }

        return high;
    }

    private static ulong Next(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15UL;
        return Mix(state);
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}

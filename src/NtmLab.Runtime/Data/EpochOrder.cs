using System.Numerics;

namespace NtmLab.Data;

/// <summary>
/// A random order of any number of things that takes no memory: a Feistel network over the next power of 4, walked along its
/// cycles until it is among them (Black and Rogaway 2002, "Ciphers with arbitrary finite domains", method 2).
/// </summary>
public readonly struct EpochOrder
{
    private const int Rounds = 8;

    private readonly long _count;
    private readonly int _half;
    private readonly ulong _mask;
    private readonly ulong[] _keys;

    /// <summary>Draws the order of an epoch.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="epoch">How often everything came before.</param>
    /// <param name="count">How many things there are, 1 or more.</param>
    public EpochOrder(ulong seed, long epoch, long count)
    {
        _count = count;
        _half = (BitOperations.Log2((ulong)count - 1 | 1) / 2) + 1;
        _mask = (1UL << _half) - 1;
        var random = new RandomStream(seed, "epoch", (ulong)epoch);
        _keys = new ulong[Rounds];
        for (var round = 0; round < Rounds; round++)
        {
            _keys[round] = random.NextBits();
        }
    }

    /// <summary>What is at a position, both from 0; each thing is at one of them.</summary>
    public long At(long position)
    {
        var value = (ulong)position;
        do
        {
            value = Permute(value);
        }
        while (value >= (ulong)_count);
        return (long)value;
    }

    private ulong Permute(ulong value)
    {
        var (left, right) = (value >> _half, value & _mask);
        foreach (var key in _keys)
        {
            // The high bits of a product depend on all bits of its factors.
            var mixed = ((right + key) ^ (key >> 32)) * 0x9E3779B97F4A7C15UL;
            mixed = (mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93UL;
            (left, right) = (right, left ^ (mixed >> (64 - _half)));
        }

        return (left << _half) | right;
    }
}

namespace NtmLab.Data;

/// <summary>The sequences of one part of the data, by number: whole runs of rows, or windows within runs.</summary>
public sealed class SequencePart
{
    private readonly RowRun[] _runs;
    private readonly long[] _before;
    private readonly int _window;
    private readonly int _stride;

    /// <summary>Makes a part.</summary>
    /// <param name="runs">Runs of rows, each at least as long as a window.</param>
    /// <param name="window">Rows in each sequence; 0: whole runs.</param>
    /// <param name="stride">Rows from the start of a window to that of the next.</param>
    internal SequencePart(RowRun[] runs, int window, int stride)
    {
        (_runs, _window, _stride) = (runs, window, stride);
        _before = new long[runs.Length];
        for (var i = 0; i < runs.Length; i++)
        {
            _before[i] = Count;
            Longest = Math.Max(Longest, window == 0 ? runs[i].Count : window);
            Count += window == 0 ? 1 : Windows(runs[i].Count, window, stride);
        }
    }

    /// <summary>The number of sequences.</summary>
    public long Count { get; }

    /// <summary>Steps in the longest sequence.</summary>
    public long Longest { get; }

    /// <summary>Steps in a sequence.</summary>
    /// <param name="sequence">Which, from 0.</param>
    public long Steps(long sequence) => Locate(sequence).Count;

    /// <summary>Windows in so many rows.</summary>
    internal static long Windows(long rows, int window, int stride) => rows < window ? 0 : ((rows - window) / stride) + 1;

    /// <summary>The rows of a sequence.</summary>
    internal RowRun Locate(long sequence)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sequence);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(sequence, Count);
        var at = Array.BinarySearch(_before, sequence);
        at = at < 0 ? ~at - 1 : at;
        var run = _runs[at];
        return _window == 0 ? run : run with { First = run.First + ((sequence - _before[at]) * _stride), Count = _window };
    }
}

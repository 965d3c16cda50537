using NtmLab.Configuration;

namespace NtmLab.Tasks;

/// <summary>
/// Long copy: <see cref="CopyTask"/> with sequences of up to 10 000 vectors, that is 20 001 steps. Drawn as there. Scores: wrong
/// bits per sequence, and the fraction of sequences with none.
/// </summary>
[CatalogName("long-copy", "Copy with sequences of hundreds to ten thousand vectors.")]
public sealed record LongCopyTask : CopyTask
{
    /// <summary>Sequences of 100 to 1000 vectors.</summary>
    public LongCopyTask()
    {
        MinLength = 100;
        MaxLength = 1000;
    }
}

namespace NtmLab.Models.Blocks;

/// <summary>
/// Time as a tree: steps are level 0, and w blocks of one level that follow each other make a block of the next, so that a
/// block of level l is w^l steps long and starts at a multiple of that. The first block of the highest level, <see cref="Depth"/>,
/// holds every sequence that is allowed: <see cref="Reach"/> steps.
/// </summary>
public sealed class TimeTree
{
    /// <summary>A tree that may grow is made deep enough for a stream of as many steps.</summary>
    public const long LongestStream = 1_000_000_000;

    /// <summary>Makes a tree.</summary>
    /// <param name="window">The number w of blocks that make one of the next level; 2 or more.</param>
    /// <param name="levels">The levels that it has for short sequences as well; 1 or more.</param>
    /// <param name="grows">Whether long sequences get more levels, up to <see cref="LongestStream"/> steps.</param>
    public TimeTree(int window, int levels, bool grows)
    {
        Window = window;
        Levels = levels;
        Depth = grows ? LevelsFor(LongestStream) : levels;
    }

    /// <summary>The number w of blocks that make one of the next level.</summary>
    public int Window { get; }

    /// <summary>The levels for short sequences.</summary>
    public int Levels { get; }

    /// <summary>The levels for the longest sequences that are allowed.</summary>
    public int Depth { get; }

    /// <summary>The longest sequences that are allowed, in steps.</summary>
    public long Reach => Span(Depth);

    /// <summary>Steps in a block, w^level; <see cref="long.MaxValue"/> if they are more.</summary>
    public long Span(int level)
    {
        var span = 1L;
        for (var below = 0; below < level; below++)
        {
            span = span > long.MaxValue / Window ? long.MaxValue : span * Window;
        }

        return span;
    }

    /// <summary>The levels for a sequence: the fewest whose first block holds it, and no fewer than <see cref="Levels"/>.</summary>
    /// <param name="steps">Its steps.</param>
    public int LevelsFor(long steps)
    {
        var level = Levels;
        while (Span(level) < steps)
        {
            level++;
        }

        return level;
    }

    /// <summary>
    /// The first step in which a level takes part: 0 for the levels of short sequences, and for others the first at which a
    /// block of the level below is complete.
    /// </summary>
    public long FirstStep(int level) => level <= Levels ? 0 : Span(level - 1);

    /// <summary>
    /// The sum, over the first <paramref name="steps"/> steps, of how many blocks of level l - 1 lie before the step in its block of
    /// level l.
    /// </summary>
    /// <param name="level">The level l; 1 or more.</param>
    /// <param name="steps">Steps; 0 or more.</param>
    public long PlacesBefore(int level, long steps)
    {
        long size = Span(level - 1), whole = steps / Span(level), rest = steps % Span(level);
        long places = rest / size, last = rest % size;
        return checked((whole * size * SumBelow(Window)) + (size * SumBelow(places)) + (last * places));

        static long SumBelow(long count) => count * (count - 1) / 2;
    }

    /// <summary>
    /// The level at which a step sees the one <paramref name="lag"/> steps earlier, at the latest: the highest over all places
    /// of the two in the first block of level <c>LevelsFor(lag + 1)</c>. A step sees, at each level l, the blocks of level
    /// l - 1 in its own block and the last <paramref name="overlap"/> ones of the block before it.
    /// </summary>
    /// <param name="lag">Steps between the two; 1 or more.</param>
    /// <param name="overlap">0 to w.</param>
    public int LastLevelToSee(long lag, int overlap)
    {
        var top = LevelsFor(lag + 1);
        bool AlwaysSees(int level) =>
            (lag - 1) / Span(level - 1) < overlap
            // Two blocks in all: a step of the second sees the whole first.
            || (overlap == Window && Span(top) / 2 <= Span(level));

        var level = 1;
        while (level < top && !AlwaysSees(level))
        {
            level++;
        }

        return level;
    }
}

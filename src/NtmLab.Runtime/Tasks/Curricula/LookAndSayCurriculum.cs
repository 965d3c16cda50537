using System.Globalization;
using System.Numerics;

namespace NtmLab.Tasks;

/// <summary>
/// The mixed syllabus of Zaremba and Sutskever 2015 (arXiv 1505.00521, on curriculum learning), called "look back and forward"
/// by Collier and Beel 2018 (arXiv 1809.10789): with the task's range [s, l], a level C and e geometric with success
/// probability 1/2, P(e = k) = 2^-k for k = 1, 2, ...,
/// <code>
/// length ~ uniform(s .. l)                    with probability 10 %
///          uniform(s .. min(C + e, l))        with probability 25 %
///          min(C + e, l)                      with probability 65 %
/// </code>
/// C grows by one when the mean score at the level is at most the score wanted. Lengths of exactly C are rare, since e is 1
/// or more, so those of C + 1, the commonest, count with them.
/// </summary>
public sealed record LookAndSayCurriculum : PromotingCurriculum
{
    private const double Tolerance = 1e-9;

    /// <summary>The share of batches with lengths from the whole range.</summary>
    public double WholeShare { get; init; } = 0.10;

    /// <summary>The share of batches with lengths from the shortest to just above the level.</summary>
    public double BackShare { get; init; } = 0.25;

    /// <summary>The share of batches with lengths just above the level.</summary>
    public double ForwardShare { get; init; } = 0.65;

    /// <inheritdoc/>
    public override int Draw(LengthRange range, CurriculumState state, double progress, RandomStream random)
    {
        var share = random.NextDouble();
        if (share < WholeShare)
        {
            return range.Draw(random);
        }

        var ahead = BitOperations.TrailingZeroCount(random.NextBits()) + 1;
        var limit = Math.Min(state.Level + ahead, range.Longest);
        return share < WholeShare + BackShare ? (range with { Longest = limit }).Draw(random) : limit;
    }

    /// <inheritdoc/>
    public override void Validate(LengthRange range)
    {
        base.Validate(range);
        Require.Share("training.curriculum.wholeShare", WholeShare);
        Require.Share("training.curriculum.backShare", BackShare);
        Require.Share("training.curriculum.forwardShare", ForwardShare);
        var sum = WholeShare + BackShare + ForwardShare;
        if (Math.Abs(sum - 1) > Tolerance)
        {
            throw new ConfigurationException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"training.curriculum.forwardShare: {ForwardShare:G6} is not allowed where the three shares sum to {sum:G6}; "
                    + $"shares that sum to 1 are."));
        }
    }

    /// <inheritdoc/>
    protected override bool IsAt(int level, int length) => length == level || length == level + 1;

    /// <inheritdoc/>
    protected override double Above(int level) => level + 1.0;
}

namespace NtmLab.Tasks;

/// <summary>Always the same length.</summary>
public sealed record FixedCurriculum : Curriculum
{
    /// <summary>The length; 0 for the longest of the task's range.</summary>
    public int Length { get; init; }

    /// <inheritdoc/>
    public override int Draw(LengthRange range, CurriculumState state, double progress, RandomStream random) =>
        Length == 0 ? range.Longest : Length;

    /// <inheritdoc/>
    public override void Validate(LengthRange range)
    {
        if (Length != 0)
        {
            Require.Between("training.curriculum.length", Length, range.Shortest, range.Longest);
        }
    }
}

namespace NtmLab.Tasks;

/// <summary>Every length of the task's range is equally likely, from the first batch to the last.</summary>
public sealed record UniformCurriculum : Curriculum
{
    /// <inheritdoc/>
    public override int Draw(LengthRange range, CurriculumState state, double progress, RandomStream random) =>
        range.Draw(random);
}

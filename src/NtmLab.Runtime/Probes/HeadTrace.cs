using static TorchSharp.torch;

namespace NtmLab.Probes;

/// <summary>Collects what every head did in every step of the first sequence of a batch, as plain arrays.</summary>
public sealed class HeadTrace
{
    private readonly List<HeadStep> _steps = [];

    /// <summary>
    /// One entry per time step. Where memory grew, weightings of earlier steps are 0 on the slots that were not there yet: all have
    /// the same number of slots; where it never had any, one.
    /// </summary>
    public IReadOnlyList<HeadStep> Steps
    {
        get
        {
            var most = Math.Max(1, _steps.Select(Slots).DefaultIfEmpty().Max());
            return _steps.Any(step => Slots(step) < most) ? [.. _steps.Select(step => step.Over(most))] : _steps;
        }
    }

    /// <summary>Records one step.</summary>
    /// <param name="readWeighting">Read weightings, <c>[batch, read heads, slots]</c>.</param>
    /// <param name="writeWeighting">Write weightings, <c>[batch, write heads, slots]</c>.</param>
    /// <param name="reads">Read vectors, <c>[batch, read heads, width]</c>.</param>
    /// <param name="erase">Erase vectors, <c>[batch, write heads, width]</c>.</param>
    /// <param name="add">Add vectors, <c>[batch, write heads, width]</c>.</param>
    public void Record(Tensor readWeighting, Tensor writeWeighting, Tensor reads, Tensor erase, Tensor add) =>
        Record(new HeadStep(
            First(readWeighting), First(writeWeighting), First(reads), First(erase), First(add)));

    /// <summary>Records one step.</summary>
    public void Record(HeadStep step) => _steps.Add(step);

    private static int Slots(HeadStep step) => step.ReadWeighting[0].Length;

    private static float[][] First(Tensor perHead)
    {
        using var scope = NewDisposeScope();
        var heads = perHead[0].detach().to(ScalarType.Float32).cpu().contiguous();
        var width = (int)heads.shape[1];
        if (width == 0)
        {
            return [.. Enumerable.Range(0, (int)heads.shape[0]).Select(_ => Array.Empty<float>())];
        }

        return [.. heads.data<float>().ToArray().Chunk(width)];
    }
}

/// <summary>What the heads did in one step; the first index is the head.</summary>
/// <param name="ReadWeighting">Read weightings, <c>[read heads][slots]</c>.</param>
/// <param name="WriteWeighting">Write weightings, <c>[write heads][slots]</c>.</param>
/// <param name="Reads">Read vectors, <c>[read heads][width]</c>.</param>
/// <param name="Erase">Erase vectors, <c>[write heads][width]</c>.</param>
/// <param name="Add">Add vectors, <c>[write heads][width]</c>.</param>
public sealed record HeadStep(
    IReadOnlyList<float[]> ReadWeighting,
    IReadOnlyList<float[]> WriteWeighting,
    IReadOnlyList<float[]> Reads,
    IReadOnlyList<float[]> Erase,
    IReadOnlyList<float[]> Add)
{
    /// <summary>The same with weightings over more slots.</summary>
    internal HeadStep Over(int slots) =>
        this with { ReadWeighting = Padded(ReadWeighting, slots), WriteWeighting = Padded(WriteWeighting, slots) };

    private static float[][] Padded(IReadOnlyList<float[]> weightings, int slots) =>
        [.. weightings.Select(weighting => weighting.Concat(new float[slots - weighting.Length]).ToArray())];
}

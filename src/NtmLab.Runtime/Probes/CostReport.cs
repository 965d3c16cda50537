using NtmLab.Kernels;

namespace NtmLab.Probes;

/// <summary>What models cost on this machine, held against what one core of it can do at most.</summary>
/// <param name="Roofline">One core of this machine, measured in the same run: the better of before and after.</param>
/// <param name="Models">The models.</param>
public sealed record CostReport(Roofline Roofline, IReadOnlyList<ModelCost> Models);

/// <summary>What a model costs.</summary>
/// <param name="Model">Its name.</param>
/// <param name="Parameters">The number of trained values.</param>
/// <param name="StateSize">Values carried from step to step for one sequence; of a state that grows, those before the first step.</param>
/// <param name="Fused">Whether the fused engine computed it.</param>
/// <param name="Cells">Each way of computing, batch and length.</param>
public sealed record ModelCost(
    string Model, long Parameters, long StateSize, bool Fused, IReadOnlyList<CostCell> Cells);

/// <summary>What a model costs at one batch and length, computed one way.</summary>
/// <param name="Mode">The way.</param>
/// <param name="Work">What it has to do, by the model's own count.</param>
/// <param name="Time">How long that took; null where it was left out.</param>
/// <param name="Roof">What the roofline says of it.</param>
/// <param name="LeftOut">Why it was not measured; null where it was.</param>
public sealed record CostCell(CostMode Mode, CostWork Work, CostTime? Time, CostRoof Roof, string? LeftOut);

/// <summary>A way of computing a model.</summary>
public enum CostMode
{
    /// <summary>Whole sequences as in training: forward, loss, backward, a move of the optimiser and the score.</summary>
    Training,

    /// <summary>Step after step without gradients.</summary>
    Streaming,
}

/// <summary>What a cell has to do.</summary>
/// <param name="Batch">Sequences.</param>
/// <param name="Length">Steps of each.</param>
/// <param name="MultiplyAdds">Multiply-adds of the whole batch.</param>
/// <param name="Bytes">Bytes that must be moved for the whole batch.</param>
public sealed record CostWork(int Batch, int Length, double MultiplyAdds, double Bytes)
{
    /// <summary>Steps of all sequences together.</summary>
    public double Steps => (double)Batch * Length;

    /// <summary>Multiply-adds a byte.</summary>
    public double Intensity => MultiplyAdds / Bytes;

    /// <summary>The multiply-adds a second that a machine allows at most: <c>min(peak, intensity bandwidth)</c> (Williams et al. 2009).</summary>
    /// <param name="peak">Multiply-adds a second with all operands at hand.</param>
    /// <param name="bandwidth">Bytes a second.</param>
    public double Attainable(double peak, double bandwidth) => Math.Min(peak, Intensity * bandwidth);
}

/// <summary>How long a cell took.</summary>
/// <param name="Seconds">The whole batch once, the median of all repeats.</param>
/// <param name="Repeats">The number of repeats.</param>
/// <param name="StepsPerSecond">Steps a second, those of all sequences counted.</param>
/// <param name="MultiplyAddsPerSecond">Multiply-adds a second.</param>
public sealed record CostTime(double Seconds, int Repeats, double StepsPerSecond, double MultiplyAddsPerSecond);

/// <summary>What the roofline says of a cell.</summary>
/// <param name="FromCache">Multiply-adds a second at most, if all bytes come from the second-level cache.</param>
/// <param name="FromMemory">Multiply-adds a second at most, if all bytes come from memory.</param>
/// <param name="OfCache">The fraction of the first that was reached; null where nothing was measured.</param>
/// <param name="OfMemory">
/// The fraction of the second; above 1 where weights and state stay in a cache, so that not all bytes come from memory.
/// </param>
public sealed record CostRoof(double FromCache, double FromMemory, double? OfCache, double? OfMemory);

namespace NtmLab.Benchmarks;

/// <summary>Two engines side by side.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Batch">Sequences in the batch.</param>
/// <param name="Length">Vectors to copy.</param>
/// <param name="Threads">Threads.</param>
/// <param name="FusedMs">Milliseconds of the fused engine, median.</param>
/// <param name="ReferenceMs">Milliseconds of the reference engine, median.</param>
/// <param name="Ratio">Reference / fused.</param>
/// <param name="PeakBytes">Workspace of the fused engine.</param>
/// <param name="MicrosecondsPerStep">Microseconds of the fused engine for one step of one sequence.</param>
/// <param name="FractionOfPeak">Multiply-adds done, of what the cores could do with all operands in registers.</param>
/// <param name="GreatestDifference">By how much the engines' losses and gradients differ, relative.</param>
/// <param name="Repeats">Times the reference engine was measured.</param>
public sealed record BenchmarkResult(
    string Name,
    int Batch,
    int Length,
    int Threads,
    double FusedMs,
    double ReferenceMs,
    double Ratio,
    long PeakBytes,
    double MicrosecondsPerStep,
    double FractionOfPeak,
    double GreatestDifference,
    int Repeats);

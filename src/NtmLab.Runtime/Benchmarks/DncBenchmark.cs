using NtmLab.Models;

namespace NtmLab.Benchmarks;

/// <summary>
/// The fused engine of the Differentiable Neural Computer side by side with the reference engine: forward, loss and backward of
/// one batch of the copy task, with a memory of 16 slots of 16 numbers and an LSTM of 80 units.
/// </summary>
public static class DncBenchmark
{
    /// <summary>
    /// Runs the benchmark. Slots start with contents of their own: of slots that are used alike, down to the rounding, each engine
    /// may call another one the less used.
    /// </summary>
    /// <param name="batch">Sequences in the batch.</param>
    /// <param name="length">Vectors to copy; the sequences have twice as many steps and one.</param>
    /// <param name="readHeads">Read heads.</param>
    /// <param name="threads">Threads of the fused engine and of libtorch.</param>
    /// <param name="repeats">Times each engine is measured, in turn; 0 chooses by the time that they take.</param>
    /// <exception cref="ConfigurationException">A number is out of range.</exception>
    /// <exception cref="BenchmarkException">The engines disagree.</exception>
    public static BenchmarkResult Run(int batch, int length, int readHeads, int threads, int repeats = 0) => EngineBenchmark.Run(
        new DncOptions
        {
            Controller = new LstmControllerOptions { Units = 80 },
            Slots = 16,
            Width = 16,
            ReadHeads = readHeads,
            InitialSpread = 0.5,
        },
        batch,
        length,
        threads,
        repeats);
}

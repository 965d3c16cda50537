using NtmLab.Kernels;
using NtmLab.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Benchmarks;

/// <summary>
/// Our recurrent models side by side with libtorch's own layers and a linear output: forward, a linear loss over all outputs,
/// and backward, with the same weights.
/// </summary>
public static class RecurrentBenchmark
{
    /// <summary>Few outputs, as in the tasks: the layers' own work is what is measured.</summary>
    private const int Outputs = 8;

    /// <summary>Runs the benchmark.</summary>
    /// <param name="kind">LSTM or GRU.</param>
    /// <param name="units">Width of each layer.</param>
    /// <param name="layers">Layers.</param>
    /// <param name="inputs">Features of the input.</param>
    /// <param name="batch">Sequences in the batch.</param>
    /// <param name="length">Steps.</param>
    /// <param name="threads">Threads of both.</param>
    /// <param name="repeats">Times each is measured, in turn; 0 chooses by the time that they take.</param>
    /// <exception cref="ConfigurationException">A number is out of range.</exception>
    /// <exception cref="BenchmarkException">They disagree.</exception>
    public static RecurrentBenchmarkResult Run(
        CellKind kind, int units, int layers, int inputs, int batch, int length, int threads, int repeats = 0)
    {
        Require.AtLeast("bench: --units", units, 1);
        Require.AtLeast("bench: --layers", layers, 1);
        Require.AtLeast("bench: --inputs", inputs, 1);
        Require.AtLeast("bench: --batch", batch, 1);
        Require.AtLeast("bench: --length", length, 1);
        Require.AtLeast("bench: --threads", threads, 1);
        Require.AtLeast("bench: --repeats", repeats, 0);
        using var outside = NewDisposeScope();
        RecurrentModelOptions options = kind == CellKind.Gru
            ? new GruOptions { Units = units, Layers = layers, FirstState = FirstState.Zero }
            : new LstmOptions { Units = units, Layers = layers, FirstState = FirstState.Zero };
        using var ours = options.Build(inputs, Outputs, new RandomStream(1, "model"));
        using var theirs = Twin(kind, inputs, units, layers);
        using var output = nn.Linear(units, Outputs);
        Tensor[] ourParameters =
            [.. Pairs(layers).Select(pair => ours.get_parameter(pair.Ours)!), ours.get_parameter("output_weight")!];
        Tensor[] theirParameters = [.. Pairs(layers).Select(pair => theirs.get_parameter(pair.Theirs)!), output.weight!];
        Copy(ourParameters, theirParameters);
        Clear([.. theirs.parameters().Where(parameter => theirParameters.All(known => known.Handle != parameter.Handle)), output.bias!]);
        using var generator = new Generator(1);
        var input = rand([batch, length, inputs], generator: generator) - 0.5f;
        var weight = rand([batch, length, Outputs], generator: generator) - 0.5f;
        ours.Fuse(threads);
        var sides = SideBySide.Measure(
            $"bench {ours.GetName()}",
            () =>
            {
                set_num_threads(1);
                return TrainingStep.Take(ourParameters, () => (ours.Forward(input) * weight).sum());
            },
            () =>
            {
                set_num_threads(threads);
                return TrainingStep.Take(theirParameters, () => (output.forward(Hidden(theirs, input)) * weight).sum());
            },
            repeats);
        var multiplyAdds = 3.0 * ours.MultiplyAddsPerStep * length * batch;
        var peak = Roofline.Measure().MultiplyAddsPerSecond * Math.Min(threads, Environment.ProcessorCount);
        return new RecurrentBenchmarkResult(
            ours.GetName(),
            units,
            layers,
            inputs,
            batch,
            length,
            threads,
            sides.FusedMs,
            sides.ReferenceMs,
            sides.Ratio,
            ours.WorkspaceBytes,
            1000 * sides.FusedMs / length,
            1000 * sides.ReferenceMs / length,
            multiplyAdds / (sides.FusedMs / 1000) / peak,
            sides.GreatestDifference,
            sides.Repeats);
    }

    private static Tensor Hidden(nn.Module module, Tensor input) =>
        module is LSTM lstm ? lstm.call(input).Item1 : ((GRU)module).call(input).Item1;

    private static IEnumerable<(string Ours, string Theirs)> Pairs(int layers) =>
        from layer in Enumerable.Range(0, layers)
        from pair in new[] { ("input_weight", "weight_ih"), ("hidden_weight", "weight_hh"), ("bias", "bias_ih") }
        select ($"layers.{pair.Item1}_{layer}", $"{pair.Item2}_l{layer}");

    private static nn.Module Twin(CellKind kind, int inputs, int units, int layers) => kind == CellKind.Gru
        ? nn.GRU(inputs, units, layers, batchFirst: true)
        : nn.LSTM(inputs, units, layers, batchFirst: true);

    private static void Copy(Tensor[] from, Tensor[] to)
    {
        using var copying = no_grad();
        foreach (var (source, target) in from.Zip(to))
        {
            target.copy_(source);
        }
    }

    /// <summary>libtorch has a second bias, and we an output bias that starts at 0.</summary>
    private static void Clear(Tensor[] tensors)
    {
        using var clearing = no_grad();
        foreach (var tensor in tensors)
        {
            tensor.zero_();
        }
    }
}

/// <summary>Recurrent layers side by side.</summary>
/// <param name="Name">The kind of layer.</param>
/// <param name="Units">Width of each layer.</param>
/// <param name="Layers">Layers.</param>
/// <param name="Inputs">Features of the input.</param>
/// <param name="Batch">Sequences in the batch.</param>
/// <param name="Length">Steps.</param>
/// <param name="Threads">Threads.</param>
/// <param name="FusedMs">Milliseconds of the fused engine, median.</param>
/// <param name="ReferenceMs">Milliseconds of libtorch's module, median.</param>
/// <param name="Ratio">Reference / fused.</param>
/// <param name="PeakBytes">Workspace of the fused engine.</param>
/// <param name="MicrosecondsPerStep">Microseconds of the fused engine for one step of the batch.</param>
/// <param name="ReferenceMicrosecondsPerStep">The same of libtorch's module.</param>
/// <param name="FractionOfPeak">Multiply-adds done, of what the cores could do with all operands in registers.</param>
/// <param name="GreatestDifference">By how much losses and gradients differ, relative.</param>
/// <param name="Repeats">Times that libtorch's module was measured.</param>
public sealed record RecurrentBenchmarkResult(
    string Name,
    int Units,
    int Layers,
    int Inputs,
    int Batch,
    int Length,
    int Threads,
    double FusedMs,
    double ReferenceMs,
    double Ratio,
    long PeakBytes,
    double MicrosecondsPerStep,
    double ReferenceMicrosecondsPerStep,
    double FractionOfPeak,
    double GreatestDifference,
    int Repeats);

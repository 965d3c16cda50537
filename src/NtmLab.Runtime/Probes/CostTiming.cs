using System.Diagnostics;
using NtmLab.Models;
using NtmLab.Tasks;
using NtmLab.Training;
using static TorchSharp.torch;

namespace NtmLab.Probes;

/// <summary>
/// Takes the times of a model as it is. Each cell is approached from short sequences, so that one that would take too long or too much
/// memory is known before it is tried.
/// </summary>
internal sealed class CostTiming : IDisposable
{
    private const int Shortest = 100;
    private const int LeastRepeats = 3;
    private const int MostRepeats = 1000;

    private readonly SequenceModel _model;
    private readonly CostOptions _options;
    private readonly NeedleTask _task = new();
    private readonly Optimiser _optimiser;

    /// <summary>Short cells are repeated for so long: the just-in-time compiler is done well before the median run.</summary>
    private readonly double _enoughSeconds;

    /// <summary>Prepares.</summary>
    /// <param name="model">A model of the needle task; training moves its parameters a little.</param>
    /// <param name="options">The limits.</param>
    public CostTiming(SequenceModel model, CostOptions options)
    {
        _model = model;
        _options = options;
        _enoughSeconds = Math.Min(1, options.Seconds / 4);
        var training = new TrainingOptions();
        // Nearly no move: untrained is what is measured, from the first repeat to the last.
        _optimiser = new RmsPropOptions { LearningRate = 1e-9 }.Build(
            model.named_parameters().Select(named => (named.name, named.parameter)), training.Clip, training.ClipNorm);
    }

    /// <summary>Measures a cell.</summary>
    /// <returns>Seconds of each repeat, or none and why.</returns>
    public (IReadOnlyList<double> Seconds, string? LeftOut) Measure(CostMode mode, int batch, int length)
    {
        for (var size = Math.Min(length, Shortest); ; size = (int)Math.Min(length, 10L * size))
        {
            using var scope = NewDisposeScope();
            using var sequences = _task.Generate(new RandomStream(_options.Seed, "probe cost"), batch, size - 2);
            var (seconds, held) = Once(mode, sequences);
            if (size == Math.Min(length, Shortest))
            {
                // The first run of all compiles what it calls.
                (seconds, held) = Once(mode, sequences);
            }

            var growth = Math.Max((double)length / size, (double)_model.MultiplyAdds(length) / _model.MultiplyAdds(size));
            if ((LeastRepeats + 1) * seconds * growth > _options.Seconds)
            {
                return ([], FormattableString.Invariant($"a run would take about {seconds * growth:G2} s"));
            }

            if (held * growth > _options.Memory)
            {
                return ([], FormattableString.Invariant($"it would hold about {held * growth / 1e9:G2} GB"));
            }

            if (size == length)
            {
                return (Repeated(mode, sequences, seconds), null);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _optimiser.Dispose();

    private List<double> Repeated(CostMode mode, SequenceBatch sequences, double once)
    {
        List<double> times = [];
        var spent = once;
        while (times.Count < LeastRepeats || (spent < _enoughSeconds && times.Count < MostRepeats))
        {
            times.Add(Once(mode, sequences).Seconds);
            spent += times[^1];
        }

        return times;
    }

    private (double Seconds, long Held) Once(CostMode mode, SequenceBatch sequences) =>
        mode == CostMode.Training ? Train(sequences) : (Stream(sequences.Input), 0);

    /// <summary>A batch as in training, and the bytes that its forward pass holds for the backward pass.</summary>
    private (double Seconds, long Held) Train(SequenceBatch sequences)
    {
        using var scope = NewDisposeScope();
        var before = Environment.WorkingSet;
        var start = Stopwatch.GetTimestamp();
        var (logits, price) = _model.ForwardWithPrice(sequences.Input);
        var loss = _task.Loss(logits, sequences);
        loss.item<float>();
        var forward = Stopwatch.GetElapsedTime(start);
        var held = Environment.WorkingSet - before;
        start = Stopwatch.GetTimestamp();
        (price is null ? loss : loss + price.mean()).backward();
        _optimiser.Step();
        _task.Score(logits, sequences);
        return ((forward + Stopwatch.GetElapsedTime(start)).TotalSeconds, Math.Max(0, held));
    }

    private double Stream(Tensor input)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var state = _model.InitialState(input.shape[0]);
        var steps = input.unbind(1);
        var start = Stopwatch.GetTimestamp();
        foreach (var step in steps)
        {
            state = Next(step, state);
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>The next state; of the last one nothing is kept.</summary>
    private ModelState Next(Tensor input, ModelState state)
    {
        using var scope = NewDisposeScope();
        var next = _model.Step(input, state).State;
        Tensor[] kept = [.. next.Tensors];
        foreach (var tensor in kept)
        {
            tensor.MoveToOuterDisposeScope();
        }

        foreach (var tensor in state.Tensors)
        {
            if (!kept.Any(other => ReferenceEquals(other, tensor)))
            {
                tensor.Dispose();
            }
        }

        return next;
    }
}

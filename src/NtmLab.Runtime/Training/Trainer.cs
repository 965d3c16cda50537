using NtmLab.Models;
using NtmLab.Tasks;
using static TorchSharp.torch;

namespace NtmLab.Training;

/// <summary>
/// Trains a model on a task within a budget of sequences. Batch k of seed s is always the same, evaluations and
/// checkpoints fall on fixed numbers of sequences, and the whole state can be taken out and put back: a resumed training
/// gives bit for bit what an uninterrupted one gives. Knows nothing of consoles or files.
/// </summary>
public sealed class Trainer : IDisposable
{
    private const double BitsPerNat = 1.4426950408889634;

    private readonly SequenceTask _task;
    private readonly TrainingOptions _options;
    private readonly EvaluationOptions _evaluation;
    private readonly ulong _seed;
    private readonly TimeProvider _clock;
    private readonly Optimiser _optimiser;
    private readonly Queue<float> _window;
    private readonly Device _device;
    private TrainerState _state = new();

    /// <summary>Makes a trainer at the start of its budget.</summary>
    /// <param name="model">The model; its parameters are changed.</param>
    /// <param name="task">The task.</param>
    /// <param name="options">Budget, optimiser and schedule.</param>
    /// <param name="evaluation">The lengths scored during training.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="clock">Measures the seconds spent.</param>
    public Trainer(
        SequenceModel model,
        SequenceTask task,
        TrainingOptions options,
        EvaluationOptions evaluation,
        ulong seed,
        TimeProvider clock)
    {
        options.Validate();
        evaluation.Validate();
        task.Validate();
        Model = model;
        _task = task;
        _options = options;
        _evaluation = evaluation;
        _seed = seed;
        _clock = clock;
        _device = model.parameters().First().device;
        _optimiser = options.Optimiser.Build(
            model.named_parameters().Select(named => (named.name, named.parameter)), options.Clip, options.ClipNorm);
        _window = new Queue<float>(options.Solved.Window);
    }

    /// <summary>The model being trained.</summary>
    public SequenceModel Model { get; }

    /// <summary>The optimiser's tensors by name.</summary>
    public IEnumerable<(string Name, Tensor Value)> OptimiserState => _optimiser.State;

    /// <summary>All that the trainer holds beside the model's and optimiser's tensors; setting it puts that back.</summary>
    public TrainerState State
    {
        get => _state with { Window = [.. _window] };
        set
        {
            _state = value with { Window = [] };
            _window.Clear();
            foreach (var score in value.Window)
            {
                Push(score);
            }
        }
    }

    /// <summary>Whether the budget is used up or the task is solved and settled.</summary>
    public bool Finished =>
        _state.Sequences >= _options.Sequences
        || (_state.SolvedAtSequences is { } solved && _state.Sequences >= solved + _options.Solved.Continue);

    /// <summary>Trains until finished or cancelled; the batch under way, with the evaluation that falls on it, is always completed.</summary>
    /// <param name="observer">Follows the training.</param>
    /// <param name="cancellation">Asks to stop after the batch under way.</param>
    /// <exception cref="DivergenceException">
    /// The loss or a gradient is no longer finite; parameters and state are as before that batch.
    /// </exception>
    public void Train(ITrainingObserver observer, CancellationToken cancellation)
    {
        var secondsBefore = _state.Seconds;
        var start = _clock.GetTimestamp();
        while (!Finished && !cancellation.IsCancellationRequested)
        {
            var before = _state.Sequences;
            var (length, loss, scores) = TrainBatch();
            var seconds = secondsBefore + _clock.GetElapsedTime(start).TotalSeconds;
            Advance(scores, seconds);
            observer.Trained(new BatchReport(
                _state.Batches,
                _state.Sequences,
                length,
                loss * BitsPerNat,
                scores.Average(score => (double)score),
                _window.Average(score => (double)score),
                seconds));
            if (Passed(before, _options.EvaluateEvery))
            {
                Evaluate(observer);
            }

            if (Passed(before, _options.CheckpointEvery))
            {
                observer.CheckpointDue(State);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _optimiser.Dispose();

    private (int Length, double Loss, float[] Scores) TrainBatch()
    {
        using var scope = NewDisposeScope();
        var random = new RandomStream(_seed, "train", (ulong)_state.Batches);
        var count = (int)Math.Min(_options.Batch, _options.Sequences - _state.Sequences);
        var batch = _task.Generate(random, count).To(_device);
        var logits = Model.Forward(batch.Input);
        var loss = _task.Loss(logits, batch);
        var value = loss.item<float>();
        if (!float.IsFinite(value))
        {
            throw new DivergenceException(
                $"training: the loss of batch {_state.Batches + 1} is {value}, not a finite number; "
                + "a smaller training.optimiser.learningRate usually helps.");
        }

        loss.backward();
        _optimiser.Step(_options.Schedule.Fraction(_state.Sequences + count, _options.Sequences));
        return (batch.Length, value, _task.Score(logits, batch));
    }

    private void Advance(float[] scores, double seconds)
    {
        foreach (var score in scores)
        {
            Push(score);
        }

        _state = _state with
        {
            Batches = _state.Batches + 1,
            Sequences = _state.Sequences + scores.Length,
            Seconds = seconds,
        };
        if (_state.SolvedAtSequences is null
            && _window.Count == _options.Solved.Window
            && _window.Average(score => (double)score) <= _options.Solved.Score)
        {
            _state = _state with { SolvedAtSequences = _state.Sequences, SolvedAtSeconds = seconds };
        }
    }

    private void Evaluate(ITrainingObserver observer)
    {
        var scores = Evaluation.ByLength(
            Model, _task, _evaluation.Lengths, _evaluation.SequencesWhileTraining, _seed);
        var mean = scores.Average(score => score.Score);
        var best = _state.BestScore is not { } bestSoFar || mean < bestSoFar;
        if (best)
        {
            _state = _state with { BestScore = mean };
        }

        observer.Evaluated(State, scores, best);
    }

    private void Push(float score)
    {
        _window.Enqueue(score);
        while (_window.Count > _options.Solved.Window)
        {
            _window.Dequeue();
        }
    }

    private bool Passed(long before, long every) => before / every != _state.Sequences / every;
}

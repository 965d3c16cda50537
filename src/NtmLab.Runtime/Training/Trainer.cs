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
    private readonly SequenceTask _task;
    private readonly TrainingOptions _options;
    private readonly EvaluationOptions _evaluation;
    private readonly ulong _seed;
    private readonly TimeProvider _clock;
    private readonly Optimiser _optimiser;
    private readonly Queue<float> _window;
    private readonly Device _device;
    private readonly BatchSource _source;
    private readonly LengthRange _lengths;
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
        task.Validate();
        options.Validate(task.Lengths());
        evaluation.Validate();
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
        _source = new BatchSource(task, options, seed);
        _lengths = task.Lengths();
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
        try
        {
            while (!Finished && !cancellation.IsCancellationRequested)
            {
                var before = _state.Sequences;
                var (outcome, scores, curriculum) = TrainBatch();
                var seconds = secondsBefore + _clock.GetElapsedTime(start).TotalSeconds;
                Advance(scores, curriculum, seconds);
                observer.Trained(new BatchReport(
                    _state.Batches,
                    _state.Sequences,
                    outcome.Length,
                    outcome.Loss * _task.Output().LossUnit,
                    outcome.Score,
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
        finally
        {
            _source.Drop();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _source.Dispose();
        _optimiser.Dispose();
    }

    private (BatchOutcome Outcome, float[] Scores, CurriculumState Curriculum) TrainBatch()
    {
        using var scope = NewDisposeScope();
        var curriculum = _state.Curriculum ?? _options.Curriculum.Start(_lengths);
        using var drawn = _source.Take(_state.Batches, _state.Sequences, curriculum);
        var count = (int)drawn.Input.shape[0];
        _source.Prepare(_state.Batches + 1, _state.Sequences + count, curriculum);
        var batch = drawn.To(_device);
        var (loss, scores) = (0.0, new List<float>(count));
        foreach (var group in batch.Groups(Model.StepsAtOnce))
        {
            loss += GoBack(group, group.Input.shape[0] / (double)count, scores);
        }

        Step(count);
        var outcome = new BatchOutcome(
            batch.Length,
            loss,
            _options.Curriculum.WantsGain ? LossOf(batch) : double.NaN,
            scores.Average(score => (double)score),
            count);
        return (outcome, [.. scores], _options.Curriculum.Observe(_lengths, curriculum, outcome));
    }

    /// <summary>Adds the gradient of a batch, or of a group of its sequences, and their scores.</summary>
    /// <param name="group">The sequences.</param>
    /// <param name="share">Their share of the batch.</param>
    /// <param name="scores">Gets their scores.</param>
    /// <returns>Their share of the batch's loss.</returns>
    private double GoBack(SequenceBatch group, double share, List<float> scores)
    {
        using var scope = NewDisposeScope();
        var (logits, price) = Model.ForwardWithPrice(group.Input);
        var loss = _task.Loss(logits, group);
        var value = loss.item<float>();
        if (!float.IsFinite(value))
        {
            throw new DivergenceException(
                $"training: the loss of batch {_state.Batches + 1} is {value}, not a finite number; "
                + "a smaller training.optimiser.learningRate usually helps.");
        }

        var whole = price is null ? loss : loss + HeldNumber.With(PriceWeight, weight => price.mean() * weight);
        (share < 1 ? HeldNumber.With(share, part => whole * part) : whole).backward();
        scores.AddRange(_task.Score(logits, group));
        return share * value;
    }

    /// <summary>How much of a price counts by now.</summary>
    private double PriceWeight =>
        _state.Sequences < _options.PriceWarmUp ? _state.Sequences / (double)_options.PriceWarmUp : 1;

    /// <summary>Moves the parameters, or passes the batch over where its gradient is not finite and too few have been before.</summary>
    private void Step(int count)
    {
        var inARow = 0;
        try
        {
            _optimiser.Step(_options.Schedule.Fraction(_state.Sequences + count, _options.Sequences));
        }
        catch (DivergenceException) when (_state.SkippedInARow < _options.Skips)
        {
            inARow = _state.SkippedInARow + 1;
        }

        _state = _state with { SkippedInARow = inARow, Skipped = _state.Skipped + Math.Sign(inARow) };
    }

    private double LossOf(SequenceBatch batch)
    {
        using var noGradient = no_grad();
        return batch.Groups(Model.StepsAtOnce).Sum(group =>
        {
            using var scope = NewDisposeScope();
            return _task.Loss(Model.Forward(group.Input), group).item<float>() * (group.Input.shape[0] / (double)batch.Input.shape[0]);
        });
    }

    private void Advance(float[] scores, CurriculumState curriculum, double seconds)
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
            Curriculum = curriculum,
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
            Model,
            _task,
            _evaluation.Lengths,
            _evaluation.SequencesWhileTraining,
            _seed,
            slotsPerStep: _evaluation.SlotsPerStep);
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

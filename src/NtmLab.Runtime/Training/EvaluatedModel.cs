using NtmLab.Models;

namespace NtmLab.Training;

/// <summary>A model while it is evaluated: in evaluation, and with room in its memory. Disposing puts it back as it was.</summary>
public sealed class EvaluatedModel : IDisposable
{
    private readonly SequenceModel _model;
    private readonly MemoryModel? _memory;
    private readonly double _slotsPerStep;
    private readonly int _slots;
    private readonly bool _training;

    /// <summary>Puts a model into evaluation.</summary>
    /// <param name="model">The model.</param>
    /// <param name="slotsPerStep">See <see cref="EvaluationOptions.SlotsPerStep"/>.</param>
    public EvaluatedModel(SequenceModel model, double slotsPerStep)
    {
        _model = model;
        _memory = slotsPerStep > 0 ? MemoryModel.Of(model) : null;
        _slotsPerStep = slotsPerStep;
        _slots = _memory?.Slots ?? 0;
        _training = model.training;
        model.train(false);
    }

    /// <summary>Gives a memory the slots for sequences of some steps.</summary>
    public void MakeRoom(long steps) => SetSlots(checked((int)Math.Max(_slots, Math.Ceiling(_slotsPerStep * steps))));

    /// <inheritdoc/>
    public void Dispose()
    {
        SetSlots(_slots);
        _model.train(_training);
    }

    private void SetSlots(int slots)
    {
        if (_memory is { } memory && memory.Slots != slots)
        {
            memory.Slots = slots;
        }
    }
}

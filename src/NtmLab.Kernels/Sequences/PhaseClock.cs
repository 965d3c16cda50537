using System.Diagnostics;

namespace NtmLab.Kernels;

/// <summary>The parts of a pass through a network that a <see cref="PhaseClock"/> tells apart.</summary>
public enum KernelPhase
{
    /// <summary>Weights are laid out for the products.</summary>
    Packing,

    /// <summary>States, inputs and biases are copied.</summary>
    Copying,

    /// <summary>Products with the controller's weights, and its gates.</summary>
    Controller,

    /// <summary>The product that gives the heads' parameters, and their activation.</summary>
    Interface,

    /// <summary>Similarity, interpolation, shift and sharpening of all heads.</summary>
    Addressing,

    /// <summary>Erasing, adding, reading.</summary>
    Memory,

    /// <summary>The product that gives the logits.</summary>
    Logits,

    /// <summary>Addressing and memory of earlier steps once more, for the backward pass.</summary>
    Again,

    /// <summary>Backward through the logits.</summary>
    LogitsBackward,

    /// <summary>Backward through reading, writing and similarities.</summary>
    MemoryBackward,

    /// <summary>Backward through interpolation, shift, sharpening and softmax.</summary>
    AddressingBackward,

    /// <summary>Backward through the activation of the heads' parameters and their product.</summary>
    InterfaceBackward,

    /// <summary>Backward through gates and products of the controller.</summary>
    ControllerBackward,

    /// <summary>Outer products: the gradients of all weights.</summary>
    WeightGradients,

    /// <summary>Gradients of the groups are added and copied out.</summary>
    Gathering,
}

/// <summary>Measures where the time of a kernel goes; for one thread. Each look at the clock costs some 25 nanoseconds.</summary>
public sealed class PhaseClock
{
    private readonly long[] _ticks = new long[Enum.GetValues<KernelPhase>().Length];
    private long _last;

    /// <summary>Forgets what was measured.</summary>
    public void Reset() => Array.Clear(_ticks);

    /// <summary>Time spent in a phase since the last <see cref="Reset"/>.</summary>
    public TimeSpan Of(KernelPhase phase) => Stopwatch.GetElapsedTime(0, _ticks[(int)phase]);

    /// <summary>Begins to measure.</summary>
    internal void Start() => _last = Stopwatch.GetTimestamp();

    /// <summary>Gives the time since the last look to a phase.</summary>
    internal void Lap(KernelPhase phase)
    {
        var now = Stopwatch.GetTimestamp();
        _ticks[(int)phase] += now - _last;
        _last = now;
    }
}

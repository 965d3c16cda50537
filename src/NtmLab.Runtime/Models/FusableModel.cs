using NtmLab.Kernels;
using NtmLab.Probes;
using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// A model with two engines: step by step in plain tensor operations, or whole sequences in the fused engine. A model of its
/// own kind says what the fused engine computes, and with which start.
/// </summary>
public abstract class FusableModel : SequenceModel
{
    private FusedEngine? _engine;
    private KernelOptions _options = new();
    private IReadOnlyList<Tensor> _constantStart = [];

    /// <inheritdoc cref="SequenceModel(string, int, int)"/>
    protected FusableModel(string name, int inputWidth, int outputWidth)
        : base(name, inputWidth, outputWidth)
    {
    }

    /// <inheritdoc/>
    public override bool CanFuse =>
        FusedShape is not null
        && parameters().All(parameter => parameter.dtype == ScalarType.Float32 && parameter.device.type == DeviceType.CPU);

    /// <inheritdoc/>
    public override bool IsFused => _engine is not null;

    /// <inheritdoc/>
    public override long WorkspaceBytes => _engine?.WorkspaceBytes ?? 0;

    /// <summary>What the fused engine computes; null if it does not know this model.</summary>
    protected abstract NetworkShape? FusedShape { get; }

    /// <summary>Whether the fused engine computes this model without gradients only, as it is now.</summary>
    protected virtual bool FusesForwardOnly => false;

    /// <summary>The engine that computes, if it is the fused one.</summary>
    private FusedEngine? Computing => FusesForwardOnly && is_grad_enabled() ? null : _engine;

    /// <summary>The module that the paths of the engine's parameters start from.</summary>
    protected virtual nn.Module FusedModule => this;

    /// <summary>The trained parts of the first state, one for all sequences: the first ones of a state's tensors.</summary>
    protected abstract IEnumerable<Tensor> TrainedStart { get; }

    /// <inheritdoc/>
    public override void Fuse(int threads) => Fuse(new KernelOptions { Threads = threads });

    /// <summary>Computes with the fused engine from now on.</summary>
    /// <param name="options">Threads, memory and vector path.</param>
    /// <exception cref="ConfigurationException">The fused engine does not know this model.</exception>
    public void Fuse(KernelOptions options)
    {
        if (!CanFuse)
        {
            base.Fuse(options.Threads);
        }

        StopFusing();
        _options = options;
        var shape = FusedShape!;
        _engine = new FusedEngine(FusedModule, shape, options, RunReference);
        if (shape.KnownParts == 0)
        {
            using var scope = NewDisposeScope();
            _constantStart = [.. ConstantStart().Select(part => part.DetachFromDisposeScope())];
        }
    }

    /// <inheritdoc/>
    public override void StopFusing()
    {
        _engine?.Dispose();
        _engine = null;
        foreach (var part in _constantStart)
        {
            part.Dispose();
        }

        _constantStart = [];
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, HeadTrace? trace = null)
    {
        if (Computing is null)
        {
            return base.Forward(input, trace);
        }

        RequireSequences(input);
        return Logits(RunFused(input, [.. TrainedStart, .. _constantStart], shared: true, trace)[0]);
    }

    /// <inheritdoc/>
    public override (Tensor Logits, ModelState State) Run(Tensor input, ModelState state, HeadTrace? trace = null)
    {
        if (Computing is null)
        {
            return base.Run(input, state, trace);
        }

        RequireSequences(input);
        var results = RunFused(input, [.. state.Tensors], shared: false, trace);
        return (Logits(results[0]), state.With([.. results.Skip(1)]));
    }

    /// <inheritdoc/>
    public override (Tensor Logits, ModelState State) Step(Tensor input, ModelState state, HeadTrace? trace = null)
    {
        RequireStep(input);
        if (_engine is null || is_grad_enabled())
        {
            return ReferenceStep(input, state, trace);
        }

        var (logits, next) = Run(input.unsqueeze(1), state, trace);
        return (logits.squeeze(1), next);
    }

    /// <summary>One step in plain tensor operations; see <see cref="Step"/>.</summary>
    protected (Tensor Logits, ModelState State) ReferenceStep(Tensor input, ModelState state, HeadTrace? trace)
    {
        var (output, next) = OutputStep(input, state, trace);
        return (Logits(output), next);
    }

    /// <summary>One step up to what the fused engine gives out.</summary>
    /// <param name="input">The step's input, <c>[batch, feature]</c>.</param>
    /// <param name="state">The state one step ago.</param>
    /// <param name="trace">Collects what the heads did, if given.</param>
    /// <returns>The output, <c>[batch, width]</c>, and the next state.</returns>
    protected abstract (Tensor Output, ModelState State) OutputStep(Tensor input, ModelState state, HeadTrace? trace);

    /// <summary>From what the fused engine gives out to logits; by default the same.</summary>
    /// <param name="output"><c>[..., width]</c>.</param>
    protected virtual Tensor Logits(Tensor output) => output;

    /// <summary>
    /// The parts of the first state that are not trained, one for all sequences, after <see cref="TrainedStart"/>; not asked for
    /// where the fused engine knows them: <see cref="NetworkShape.KnownParts"/>.
    /// </summary>
    protected virtual IEnumerable<Tensor> ConstantStart() => [];

    /// <summary>Makes the fused engine anew where there is one: sizes have changed.</summary>
    protected void FuseAgain()
    {
        if (_engine is not null)
        {
            Fuse(_options);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            StopFusing();
        }

        base.Dispose(disposing);
    }

    private IReadOnlyList<Tensor> RunFused(Tensor input, IReadOnlyList<Tensor> start, bool shared, HeadTrace? trace)
    {
        if (trace is null || FusedShape is not MemoryShape shape)
        {
            return _engine!.Run(input, start, shared, wantFinal: !shared);
        }

        using var steps = new FusedTrace(shape, checked((int)input.shape[1]));
        var results = _engine!.Run(input, start, shared, wantFinal: !shared, steps.Target);
        steps.CopyTo(trace);
        return results;
    }

    private IReadOnlyList<Tensor> RunReference(Tensor input, IReadOnlyList<Tensor> start)
    {
        var state = InitialState(input.shape[0]);
        state = state.With([.. start, .. state.Tensors.Skip(start.Count)]);
        var outputs = new List<Tensor>();
        foreach (var step in input.unbind(1))
        {
            (var output, state) = OutputStep(step, state, trace: null);
            outputs.Add(output);
        }

        return [stack(outputs, 1), .. state.Tensors];
    }
}

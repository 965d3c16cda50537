using NtmLab.Kernels;
using NtmLab.Probes;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// The fused engine of an <see cref="MemoryModel"/>: whole sequences in one call to <see cref="NtmKernel"/>, entered through
/// one autograd function, so that losses, optimisers and checkpoints see no difference.
/// </summary>
internal sealed class FusedNtm : IDisposable
{
    private readonly NtmShape _shape;
    private readonly NtmKernel _kernel;
    private readonly FusedParameters _parameters;

    /// <summary>Makes the engine over the parameters of a model.</summary>
    /// <param name="shape">The model's sizes.</param>
    /// <param name="parameters">
    /// Its parameters: for each layer those of <see cref="Controller"/> that work in every step, then weight and bias of
    /// interface and output.
    /// </param>
    /// <param name="options">Threads and memory.</param>
    public FusedNtm(NtmShape shape, FusedParameters parameters, KernelOptions options)
    {
        _shape = shape;
        _parameters = parameters;
        _kernel = new NtmKernel(shape, options);
    }

    /// <summary>Bytes of workspace that wait for the next call.</summary>
    public long WorkspaceBytes => _kernel.FreeBytes;

    private int HiddenCount => FusedLayers.HiddenCount(_shape.Controller, _shape.Layers);

    private int CellCount => FusedLayers.CellCount(_shape.Controller, _shape.Layers);

    /// <summary>Whole sequences from a state.</summary>
    /// <param name="input">The sequences, <c>[batch, time, inputs]</c>, float32.</param>
    /// <param name="start">
    /// The state before the first step: hidden state and cell of each layer, as far as it has them, reads, memory, read and
    /// write weightings; each for every sequence, <c>[batch, ...]</c>, or <c>[...]</c> for all.
    /// </param>
    /// <param name="shared">Whether the start is one for all sequences.</param>
    /// <param name="wantFinal">Whether the state after the last step is wanted.</param>
    /// <param name="trace">Collects what the heads of the first sequence did, if given.</param>
    /// <returns>Logits, <c>[batch, time, outputs]</c>, then the final state in the order of the start, if wanted.</returns>
    /// <exception cref="DivergenceException">The input, the state or a parameter is not finite.</exception>
    public IReadOnlyList<Tensor> Run(
        Tensor input, IReadOnlyList<Tensor> start, bool shared, bool wantFinal, HeadTrace? trace)
    {
        using var contiguous = input.detach().contiguous();
        FusedParameters.RequireFinite("ntm", "the input", contiguous);
        if (!shared)
        {
            foreach (var part in start)
            {
                FusedParameters.RequireFinite("ntm", "the state", part);
            }
        }

        var pass = new Pass(this, shared, wantFinal, trace);
        if (is_grad_enabled())
        {
            _parameters.RequireFinite("ntm");
            return Function.apply([pass, input, .. _parameters.Current, .. start]);
        }

        return pass.Forward(contiguous, _parameters.Current, start, _parameters.Version("ntm"), keep: false).Results;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _kernel.Dispose();
        _parameters.Dispose();
    }

    /// <summary>Tensors in the order of the parameters, as the kernel wants them.</summary>
    private unsafe NtmTensors Parameters(IReadOnlyList<Tensor> values)
    {
        var next = 0;
        var layers = FusedLayers.Parameters(values, _shape.Controller, _shape.Layers, ref next);
        return new NtmTensors
        {
            Layers = layers,
            InterfaceWeight = TensorMemory.Pointer(values[next]),
            InterfaceBias = TensorMemory.Pointer(values[next + 1]),
            OutputWeight = TensorMemory.Pointer(values[next + 2]),
            OutputBias = TensorMemory.Pointer(values[next + 3]),
        };
    }

    /// <summary>Tensors in the order of the state, as the kernel wants them; null where there is none.</summary>
    private NtmState State(IReadOnlyList<Tensor?> parts, bool shared)
    {
        var next = 0;
        StateTensor Take(long size) => FusedLayers.Part(parts[next++], size, shared);
        return new NtmState
        {
            Hidden = [.. Enumerable.Range(0, HiddenCount).Select(_ => Take(_shape.Units))],
            Cells = [.. Enumerable.Range(0, CellCount).Select(_ => Take(_shape.Units))],
            Reads = Take(_shape.ReadWidth),
            Memory = Take((long)_shape.Slots * _shape.Width),
            ReadWeightings = Take((long)_shape.ReadHeads * _shape.Slots),
            WriteWeightings = Take((long)_shape.WriteHeads * _shape.Slots),
        };
    }

    /// <summary>Room for the state of every sequence, in its order.</summary>
    private IEnumerable<Tensor> MakeState(long batch)
    {
        for (var i = 0; i < HiddenCount + CellCount; i++)
        {
            yield return empty(batch, _shape.Units);
        }

        yield return empty(batch, _shape.ReadHeads, _shape.Width);
        yield return empty(batch, _shape.Slots, _shape.Width);
        yield return empty(batch, _shape.ReadHeads, _shape.Slots);
        yield return empty(batch, _shape.WriteHeads, _shape.Slots);
    }

    /// <summary>One forward pass: how it is wanted.</summary>
    private sealed record Pass(FusedNtm Engine, bool Shared, bool WantFinal, HeadTrace? Trace)
    {
        public unsafe (List<Tensor> Results, NtmPlan? Plan) Forward(
            Tensor input, IReadOnlyList<Tensor> parameters, IReadOnlyList<Tensor> start, long version, bool keep)
        {
            var (batch, time) = (checked((int)input.shape[0]), checked((int)input.shape[1]));
            List<Tensor> results = [empty(batch, time, Engine._shape.Outputs)];
            if (WantFinal)
            {
                results.AddRange(Engine.MakeState(batch));
            }

            // Of a state that was expanded, every sequence must have its own.
            using var scope = NewDisposeScope();
            Tensor[] own = [.. start.Select(part => part.detach().contiguous())];
            using var trace = Trace is null ? null : new FusedTrace(Engine._shape, time);
            var plan = Engine._kernel.Forward(
                new NtmCall
                {
                    Parameters = Engine.Parameters(parameters),
                    ParameterVersion = version,
                    Batch = batch,
                    Time = time,
                    Input = TensorMemory.Pointer(input),
                    Start = Engine.State(own, Shared),
                    Logits = TensorMemory.Pointer(results[0]),
                    Final = WantFinal ? Engine.State(results[1..], shared: false) : null,
                    Trace = trace?.Target,
                },
                keep);
            trace?.CopyTo(Trace!);
            return (results, plan);
        }
    }

    /// <summary>Variables: the pass, the input, the parameters in order, the start in order.</summary>
    private sealed class Function : autograd.MultiTensorFunction<Function>
    {
        public override string Name => "FusedNtm";

        public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var pass = (Pass)vars[0];
            var input = ((Tensor)vars[1]).contiguous();
            var parameters = vars.Skip(2).Take(pass.Engine._parameters.Count).Cast<Tensor>().ToList();

            // Segments may be computed again in the backward pass: what the plan points to must still be there.
            var start = vars.Skip(2 + parameters.Count).Select(part => ((Tensor)part).contiguous()).ToList();
            var (results, plan) = pass.Forward(input, parameters, start, version: 0, keep: true);
            ctx.save_data("pass", pass);
            ctx.save_data("plan", plan!);
            ctx.save_data("wanted", vars.Skip(1).Select(value => ((Tensor)value).requires_grad).ToArray());
            ctx.save_for_backward([input, .. start]);
            return results;
        }

        public override unsafe List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
        {
            var pass = (Pass)ctx.get_data("pass");
            var wanted = (bool[])ctx.get_data("wanted");
            var saved = ctx.get_saved_variables();
            var engine = pass.Engine;
            using var plan = (NtmPlan)ctx.get_data("plan");
            using var scope = NewDisposeScope();
            Tensor[] arriving = [.. grad_outputs.Select(gradient => gradient.contiguous())];
            var input = wanted[0] ? empty_like(saved[0]) : null;
            List<Tensor> parameters = [.. engine._parameters.Current.Select(parameter => empty_like(parameter))];
            List<Tensor?> start =
            [
                .. saved.Skip(1).Select((part, i) => wanted[1 + parameters.Count + i] ? empty_like(part) : null),
            ];
            plan.Backward(new NtmBackwardCall
            {
                LogitGradients = TensorMemory.Pointer(arriving[0]),
                FinalGradients = pass.WantFinal ? engine.State(arriving[1..], shared: false) : null,
                Gradients = engine.Parameters(parameters),
                InputGradients = input is null ? null : TensorMemory.Pointer(input),
                StartGradients = engine.State(start, pass.Shared),
            });
            List<Tensor> gradients = [null!, input!, .. parameters, .. start.Select(part => part!)];
            foreach (var gradient in gradients)
            {
                gradient?.MoveToOuterDisposeScope();
            }

            return gradients;
        }
    }
}

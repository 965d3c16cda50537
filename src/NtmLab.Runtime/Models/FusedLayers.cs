using NtmLab.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// The fused engine of a <see cref="Controller"/> on its own, as recurrent models have it: whole sequences in one call to
/// <see cref="RecurrentKernel"/>, entered through one autograd function.
/// </summary>
public sealed class FusedLayers : IDisposable
{
    private readonly RecurrentShape _shape;
    private readonly RecurrentKernel _kernel;
    private readonly Controller _controller;
    private readonly FusedParameters _parameters;

    /// <summary>Makes the engine over the parameters of a controller: on the processor, of type float32.</summary>
    /// <param name="controller">The layers.</param>
    /// <param name="options">Threads and memory.</param>
    public FusedLayers(Controller controller, KernelOptions options)
    {
        _controller = controller;
        _shape = new RecurrentShape(controller.Kind, controller.Layers, controller.InputWidth, controller.Units);
        _parameters = new FusedParameters(NamedParameters(controller));
        _kernel = new RecurrentKernel(_shape, options);
    }

    /// <summary>Bytes of workspace that wait for the next call.</summary>
    public long WorkspaceBytes => _kernel.FreeBytes;

    private int Hidden => HiddenCount(_shape.Kind, _shape.Layers);

    private int Cells => CellCount(_shape.Kind, _shape.Layers);

    /// <summary>Whole sequences from the trained first state.</summary>
    /// <param name="input">The sequences, <c>[batch, time, inputs]</c>, float32.</param>
    /// <returns>The outputs of the last layer, <c>[batch, time, units]</c>.</returns>
    /// <exception cref="DivergenceException">The input or a parameter is not finite.</exception>
    /// <exception cref="ShapeException">The input has another shape.</exception>
    public Tensor Forward(Tensor input) => Run(input, [.. _controller.InitialState], shared: true)[0];

    /// <summary>Whole sequences from a given state.</summary>
    /// <param name="input">The sequences, <c>[batch, time, inputs]</c>, float32.</param>
    /// <param name="state">The state before the first step.</param>
    /// <returns>The outputs of the last layer, <c>[batch, time, units]</c>, and the state after the last step.</returns>
    /// <exception cref="DivergenceException">The input, the state or a parameter is not finite.</exception>
    /// <exception cref="ShapeException">The input or the state has another shape.</exception>
    public (Tensor Output, ControllerState State) Forward(Tensor input, ControllerState state)
    {
        foreach (var part in state.Tensors)
        {
            Shape.Require(_controller.GetName(), "state [batch, units]", part, input.shape[0], _shape.Units);
        }

        var results = Run(input, [.. state.Tensors], shared: false);
        return (results[0], new ControllerState([.. results.Skip(1).Take(Hidden)], [.. results.Skip(1 + Hidden)]));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _kernel.Dispose();
        _parameters.Dispose();
    }

    /// <summary>The parameters of a controller that work in every step, layer by layer, in the order of the engines.</summary>
    internal static IEnumerable<(string Name, Func<Parameter> Find)> NamedParameters(Controller controller)
    {
        string[] names = ["input_weight", "bias", "hidden_weight", "candidate_bias"];
        return
            from layer in Enumerable.Range(0, controller.Layers)
            from name in names
            where controller.Find(name, layer) is not null
            select ($"controller.{name}_{layer}", new Func<Parameter>(() => controller.Find(name, layer)!));
    }

    /// <summary>Tensors in the order of <see cref="NamedParameters"/>, as the kernels want them.</summary>
    internal static unsafe IReadOnlyList<LayerTensors> Parameters(
        IReadOnlyList<Tensor> values, CellKind kind, int layers, ref int next)
    {
        var result = new LayerTensors[layers];
        for (var layer = 0; layer < layers; layer++)
        {
            result[layer] = new LayerTensors
            {
                InputWeight = TensorMemory.Pointer(values[next++]),
                Bias = TensorMemory.Pointer(values[next++]),
                HiddenWeight = kind == CellKind.FeedForward ? null : TensorMemory.Pointer(values[next++]),
                CandidateBias = kind == CellKind.Gru ? TensorMemory.Pointer(values[next++]) : null,
            };
        }

        return result;
    }

    /// <summary>Hidden states that layers carry.</summary>
    internal static int HiddenCount(CellKind kind, int layers) => kind == CellKind.FeedForward ? 0 : layers;

    /// <summary>Cells that layers carry.</summary>
    internal static int CellCount(CellKind kind, int layers) => kind == CellKind.Lstm ? layers : 0;

    /// <summary>A tensor as a part of a state; null where there is none.</summary>
    internal static unsafe StateTensor Part(Tensor? part, long size, bool shared)
    {
        var values = part is null ? null : TensorMemory.Pointer(part);
        return shared || part is null ? StateTensor.Shared(values) : StateTensor.Each(values, size);
    }

    private List<Tensor> Run(Tensor input, IReadOnlyList<Tensor> start, bool shared)
    {
        var name = _controller.GetName();
        Shape.Require(name, "input [batch, time, feature]", input, Shape.Any, Shape.Any, _shape.Inputs);
        FusedParameters.RequireFinite(name, "the input", input);
        foreach (var part in shared ? [] : start)
        {
            FusedParameters.RequireFinite(name, "the state", part);
        }

        var pass = new Pass(this, shared);
        if (is_grad_enabled())
        {
            _parameters.RequireFinite(name);
            return Function.apply([pass, input, .. _parameters.Current, .. start]);
        }

        using var contiguous = input.detach().contiguous();
        return pass.Forward(contiguous, _parameters.Current, start, _parameters.Version(name), keep: false).Results;
    }

    private RecurrentState State(IReadOnlyList<Tensor?> parts, bool shared) => new()
    {
        Hidden = [.. parts.Take(Hidden).Select(part => Part(part, _shape.Units, shared))],
        Cells = [.. parts.Skip(Hidden).Take(Cells).Select(part => Part(part, _shape.Units, shared))],
    };

    private IReadOnlyList<LayerTensors> Parameters(IReadOnlyList<Tensor> values)
    {
        var next = 0;
        return Parameters(values, _shape.Kind, _shape.Layers, ref next);
    }

    /// <summary>One forward pass: from a shared start only the output is given, from another the final state too.</summary>
    private sealed record Pass(FusedLayers Engine, bool Shared)
    {
        public unsafe (List<Tensor> Results, RecurrentPlan? Plan) Forward(
            Tensor input, IReadOnlyList<Tensor> parameters, IReadOnlyList<Tensor> start, long version, bool keep)
        {
            var (batch, time) = (checked((int)input.shape[0]), checked((int)input.shape[1]));
            List<Tensor> results = [empty(batch, time, Engine._shape.Units)];
            if (!Shared)
            {
                results.AddRange(start.Select(_ => empty(batch, Engine._shape.Units)));
            }

            using var scope = NewDisposeScope();
            Tensor[] own = [.. start.Select(part => part.detach().contiguous())];
            var plan = Engine._kernel.Forward(
                new RecurrentCall
                {
                    Parameters = Engine.Parameters(parameters),
                    ParameterVersion = version,
                    Batch = batch,
                    Time = time,
                    Input = TensorMemory.Pointer(input),
                    Start = Engine.State(own, Shared),
                    Output = TensorMemory.Pointer(results[0]),
                    Final = Shared ? null : Engine.State(results[1..], shared: false),
                },
                keep);
            return (results, plan);
        }
    }

    /// <summary>Variables: the pass, the input, the parameters in order, the start in order.</summary>
    private sealed class Function : autograd.MultiTensorFunction<Function>
    {
        public override string Name => "FusedLayers";

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
            using var plan = (RecurrentPlan)ctx.get_data("plan");
            using var scope = NewDisposeScope();
            Tensor[] arriving = [.. grad_outputs.Select(gradient => gradient.contiguous())];
            var input = wanted[0] ? empty_like(saved[0]) : null;
            List<Tensor> parameters = [.. engine._parameters.Current.Select(parameter => empty_like(parameter))];
            List<Tensor?> start =
            [
                .. saved.Skip(1).Select((part, i) => wanted[1 + parameters.Count + i] ? empty_like(part) : null),
            ];
            plan.Backward(new RecurrentBackwardCall
            {
                OutputGradients = TensorMemory.Pointer(arriving[0]),
                FinalGradients = pass.Shared ? null : engine.State(arriving[1..], shared: false),
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

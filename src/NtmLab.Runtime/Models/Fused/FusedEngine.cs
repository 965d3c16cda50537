using NtmLab.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// The fused engine of a module: whole sequences in one call to a <see cref="SequenceKernel"/>, entered through one autograd
/// function, so that losses, optimisers and checkpoints see no difference. It computes on the processor, in float32.
/// </summary>
internal sealed class FusedEngine : IDisposable
{
    private readonly string _owner;
    private readonly NetworkShape _shape;
    private readonly IReadOnlyList<NetworkPart> _parameterParts;
    private readonly IReadOnlyList<NetworkPart> _stateParts;
    private readonly SequenceKernel _kernel;
    private readonly Func<Tensor, IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> _reference;
    private readonly FusedParameters _parameters;

    /// <summary>Makes the engine over the parameters of a module.</summary>
    /// <param name="module">The module; its parameters are found by the paths of <see cref="NetworkShape.Parameters"/>.</param>
    /// <param name="shape">What it computes.</param>
    /// <param name="options">Threads and memory.</param>
    /// <param name="reference">
    /// The same in tensor operations, for the derivatives that the kernel does not give: from the input and the start of every
    /// sequence to the output and the final state.
    /// </param>
    public FusedEngine(
        nn.Module module,
        NetworkShape shape,
        KernelOptions options,
        Func<Tensor, IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> reference)
    {
        _owner = $"model '{module.GetName()}'";
        _shape = shape;
        _parameterParts = shape.Parameters;
        _stateParts = shape.State;
        _parameters = new FusedParameters(module, _parameterParts);
        _kernel = new SequenceKernel(shape, options);
        _reference = reference;
    }

    /// <summary>Bytes of workspace that wait for the next call.</summary>
    public long WorkspaceBytes => _kernel.FreeBytes;

    /// <summary>How many parameters there are.</summary>
    internal int ParameterCount => _parameterParts.Count;

    /// <summary>Whole sequences from a state.</summary>
    /// <param name="input">The sequences, <c>[batch, time, inputs]</c>.</param>
    /// <param name="start">
    /// The state before the first step, in the order of <see cref="NetworkShape.State"/>; each part for every sequence,
    /// <c>[batch, ...]</c>, or <c>[...]</c> for all. Of a start that all share, <see cref="NetworkShape.KnownParts"/> may be left
    /// out.
    /// </param>
    /// <param name="shared">Whether the start is one for all sequences.</param>
    /// <param name="wantFinal">Whether the state after the last step is wanted.</param>
    /// <param name="trace">Gets what the heads of the first sequence did, if given.</param>
    /// <returns>The output, <c>[batch, time, output width]</c>, then the final state in the order of the start, if wanted.</returns>
    /// <exception cref="DivergenceException">The input, the state or a parameter is not finite.</exception>
    /// <exception cref="ShapeException">The input, the state or a parameter has another shape, type or device.</exception>
    public IReadOnlyList<Tensor> Run(
        Tensor input, IReadOnlyList<Tensor> start, bool shared, bool wantFinal, MemoryTrace? trace = null)
    {
        Shape.Require(_owner, "input [batch, time, feature]", input, Shape.Any, Shape.Any, _shape.Inputs);
        RequirePlain("input", input);
        FusedParameters.RequireFinite(_owner, "the input", input);
        foreach (var (part, values) in _stateParts.Zip(start))
        {
            Shape.Require(_owner, $"state: {part.Name}", values, shared ? part.Shape : [input.shape[0], .. part.Shape]);
            RequirePlain($"state: {part.Name}", values);
            FusedParameters.RequireFinite(_owner, "the state", values);
        }

        var pass = new FusedPass(this, shared, wantFinal, trace);
        var parameters = _parameters.Current;
        if (is_grad_enabled())
        {
            _parameters.RequireFinite(_owner, parameters);
            return FusedFunction.apply([pass, input, .. parameters, .. start]);
        }

        using var scope = NewDisposeScope();
        var version = _parameters.Version(_owner, parameters);
        var (results, _) = Forward(pass, TensorMemory.Contiguous(input), parameters, start, version, keep: false);
        foreach (var result in results)
        {
            result.MoveToOuterDisposeScope();
        }

        return results;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _kernel.Dispose();
        _parameters.Dispose();
    }

    /// <summary>Goes forward.</summary>
    internal unsafe (List<Tensor> Results, SequencePlan? Plan) Forward(
        FusedPass pass, Tensor input, IReadOnlyList<Tensor> parameters, IReadOnlyList<Tensor> start, long version, bool keep)
    {
        var (batch, time) = (checked((int)input.shape[0]), checked((int)input.shape[1]));
        List<Tensor> results = [empty(batch, time, _shape.OutputWidth)];
        if (pass.WantFinal)
        {
            results.AddRange(_stateParts.Select(part => empty([batch, .. part.Shape])));
        }

        // Of a state that was expanded, every sequence must have its own.
        using var scope = NewDisposeScope();
        Tensor[] own = [.. start.Select(TensorMemory.Contiguous)];
        var plan = _kernel.Forward(
            new SequenceCall
            {
                Parameters = Pointers(parameters),
                ParameterVersion = version,
                Batch = batch,
                Time = time,
                Input = TensorMemory.Pointer(input),
                Start = State(own, pass.Shared),
                Output = TensorMemory.Pointer(results[0]),
                Final = pass.WantFinal ? State(results[1..], shared: false) : null,
                Trace = pass.Trace,
            },
            keep);
        return (results, plan);
    }

    /// <summary>Goes backward through a forward pass.</summary>
    /// <param name="pass">The forward pass.</param>
    /// <param name="plan">What it kept.</param>
    /// <param name="saved">Its input and start.</param>
    /// <param name="wanted">Whose gradients are wanted: the input, the parameters, the start.</param>
    /// <param name="arriving">Gradients of its results.</param>
    /// <returns>Gradients of input, parameters and start; null where none is wanted.</returns>
    internal unsafe IReadOnlyList<Tensor?> Backward(
        FusedPass pass, SequencePlan plan, IReadOnlyList<Tensor> saved, bool[] wanted, IReadOnlyList<Tensor> arriving)
    {
        using var scope = NewDisposeScope();
        Tensor[] outside = [.. arriving.Select(TensorMemory.Contiguous)];
        var input = wanted[0] ? empty_like(saved[0]) : null;
        List<Tensor> parameters = [.. _parameterParts.Select(part => empty(part.Shape))];
        List<Tensor?> start =
        [
            .. saved.Skip(1).Select((part, i) => wanted[1 + parameters.Count + i] ? empty_like(part) : null),
        ];
        plan.Backward(new SequenceBackwardCall
        {
            OutputGradients = TensorMemory.Pointer(outside[0]),
            FinalGradients = pass.WantFinal ? State(outside[1..], shared: false) : null,
            Gradients = Pointers(parameters),
            InputGradients = input is null ? null : TensorMemory.Pointer(input),
            StartGradients = State(start, pass.Shared),
        });
        List<Tensor?> gradients = [input, .. parameters, .. start];
        foreach (var gradient in gradients)
        {
            gradient?.MoveToOuterDisposeScope();
        }

        return gradients;
    }

    /// <summary>The same gradients by the reference engine, as functions of everything where autograd records.</summary>
    internal IReadOnlyList<Tensor?> ReferenceBackward(
        FusedPass pass, IReadOnlyList<Tensor> saved, bool[] wanted, IReadOnlyList<Tensor> arriving)
    {
        var createGraph = is_grad_enabled();
        using var recording = enable_grad();
        var (input, start) = (saved[0], saved.Skip(1));
        var batch = input.shape[0];
        var results = _reference(
            input,
            [.. pass.Shared ? start.Select(part => part.unsqueeze(0).expand([batch, .. part.shape])) : start]);
        List<Tensor> outputs = [.. results.Take(arriving.Count)];
        Tensor[] variables = [.. ((IEnumerable<Tensor>)[input, .. _parameters.Current, .. start]).Where((_, i) => wanted[i])];
        using var found = autograd
            .grad(
                outputs,
                variables,
                [.. arriving],
                retain_graph: createGraph,
                create_graph: createGraph,
                allow_unused: true)
            .GetEnumerator();
        return [.. wanted.Select(isWanted => isWanted && found.MoveNext() ? found.Current : null)];
    }

    private static unsafe List<SequenceTensor> Pointers(IReadOnlyList<Tensor> tensors) =>
        [.. tensors.Select(tensor => SequenceTensor.Shared(TensorMemory.Pointer(tensor)))];

    /// <summary>Tensors in the order of the state, as the kernel wants them; null where there is none, and for parts left out.</summary>
    private unsafe List<SequenceTensor> State(IReadOnlyList<Tensor?> parts, bool shared) =>
    [
        .. _stateParts.Select((part, i) =>
            i >= parts.Count || parts[i] is not { } values ? SequenceTensor.Shared(null)
            : shared ? SequenceTensor.Shared(TensorMemory.Pointer(values))
            : SequenceTensor.Each(TensorMemory.Pointer(values), part.Size)),
    ];

    private void RequirePlain(string what, Tensor values)
    {
        if (values.dtype != ScalarType.Float32 || values.device.type != DeviceType.CPU)
        {
            throw new ShapeException(
                $"{_owner}: {what} is {values.dtype} on {values.device.type}; the fused engine computes Float32 on CPU, "
                + "and StopFusing() leaves it.");
        }
    }
}

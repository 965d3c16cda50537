using NtmLab.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// The fused engine of an <see cref="NtmModel"/>: whole sequences in one call to <see cref="NtmKernel"/>, entered through
/// one autograd function, so that losses, optimisers and checkpoints see no difference.
/// </summary>
internal sealed class FusedNtm : IDisposable
{
    private readonly NtmShape _shape;
    private readonly NtmKernel _kernel;
    private readonly IReadOnlyList<Func<Parameter>> _parameters;

    /// <summary>Makes the engine over the parameters of a model.</summary>
    /// <param name="shape">The model's sizes.</param>
    /// <param name="parameters">
    /// Give its parameters, as they are now, in the order of <see cref="Tensors"/>; on the processor, of type float32.
    /// </param>
    /// <param name="options">Threads and memory.</param>
    public FusedNtm(NtmShape shape, IReadOnlyList<Func<Parameter>> parameters, NtmKernelOptions options)
    {
        _shape = shape;
        _parameters = parameters;
        _kernel = new NtmKernel(shape, options);
    }

    /// <summary>Bytes of workspace that wait for the next call.</summary>
    public long WorkspaceBytes => _kernel.FreeBytes;

    /// <summary>Whole sequences from the initial state.</summary>
    /// <param name="input">The sequences, <c>[batch, time, inputs]</c>, float32.</param>
    /// <returns>Logits, <c>[batch, time, outputs]</c>.</returns>
    /// <exception cref="DivergenceException">The input or a parameter is not finite.</exception>
    public Tensor Forward(Tensor input)
    {
        using var contiguous = input.detach().contiguous();
        RequireFinite("the input", contiguous);
        var parameters = _parameters.Select(parameter => parameter()).ToArray();
        foreach (var parameter in parameters)
        {
            RequireFinite($"a parameter of shape [{string.Join(", ", parameter.shape)}]", parameter);
        }

        if (!is_grad_enabled())
        {
            var logits = empty(input.shape[0], input.shape[1], _shape.Outputs);
            Run(contiguous, logits, keep: false);
            return logits;
        }

        return Function.apply([this, input, .. parameters]);
    }

    /// <inheritdoc/>
    public void Dispose() => _kernel.Dispose();

    private static void RequireFinite(string what, Tensor values)
    {
        if (!Finite.All(Values(values)))
        {
            throw new DivergenceException(
                $"model 'ntm': {what} holds a number that is not finite; "
                + "a smaller training.optimiser.learningRate usually helps.");
        }
    }

    private static unsafe ReadOnlySpan<float> Values(Tensor tensor) => new(Pointer(tensor), checked((int)tensor.numel()));

    private static unsafe float* Pointer(Tensor tensor)
    {
        fixed (byte* first = tensor.bytes)
        {
            // Native memory of the tensor: it does not move.
            return (float*)first;
        }
    }

    private unsafe NtmPlan? Run(Tensor input, Tensor logits, bool keep) =>
        _kernel.Forward(
            Tensors([.. _parameters.Select(parameter => (Tensor)parameter())]),
            Pointer(input),
            checked((int)input.shape[0]),
            checked((int)input.shape[1]),
            Pointer(logits),
            keep);

    private unsafe NtmTensors Tensors(IReadOnlyList<Tensor> values)
    {
        var next = 0;
        float* Take() => Pointer(values[next++]);
        var recurrent = _shape.Controller == NtmControllerKind.Lstm;
        return new NtmTensors
        {
            InputWeight = Take(),
            Bias = Take(),
            HiddenWeight = recurrent ? Take() : null,
            InitialHidden = recurrent ? Take() : null,
            InitialCell = recurrent ? Take() : null,
            InitialReads = Take(),
            InterfaceWeight = Take(),
            InterfaceBias = Take(),
            OutputWeight = Take(),
            OutputBias = Take(),
        };
    }

    /// <summary>Variables: the engine, the input, the parameters in order.</summary>
    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => "FusedNtm";

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var engine = (FusedNtm)vars[0];
            var input = ((Tensor)vars[1]).contiguous();
            var logits = empty(input.shape[0], input.shape[1], engine._shape.Outputs);
            ctx.save_data("engine", engine);
            ctx.save_data("plan", engine.Run(input, logits, keep: true)!);
            ctx.save_data("input gradient", ((Tensor)vars[1]).requires_grad);
            ctx.save_for_backward([input]);
            return logits;
        }

        public override unsafe List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            var engine = (FusedNtm)ctx.get_data("engine");
            using var plan = (NtmPlan)ctx.get_data("plan");
            using var logitGradient = grad_output.contiguous();
            var input = ctx.get_saved_variables()[0];
            var inputGradient = (bool)ctx.get_data("input gradient") ? empty_like(input) : null;
            var gradients = engine._parameters.Select(parameter => empty_like(parameter())).ToList();
            plan.Backward(
                Pointer(logitGradient),
                engine.Tensors(gradients),
                inputGradient is null ? null : Pointer(inputGradient));
            return [null!, inputGradient!, .. gradients];
        }
    }
}

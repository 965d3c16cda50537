using NtmLab.Kernels;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>The fused engine of a <see cref="Controller"/> on its own, as recurrent models have it.</summary>
public sealed class FusedLayers : IDisposable
{
    private readonly Controller _controller;
    private readonly FusedEngine _engine;

    /// <summary>Makes the engine over the parameters of a controller: on the processor, of type float32.</summary>
    /// <param name="controller">The layers.</param>
    /// <param name="options">Threads and memory.</param>
    public FusedLayers(Controller controller, KernelOptions options)
    {
        _controller = controller;
        _engine = new FusedEngine(
            controller,
            new RecurrentShape(controller.Kind, controller.Layers, controller.InputWidth, controller.Units),
            options,
            (input, start) =>
            {
                var (output, state) = Steps(input, controller.Start(input.shape[0]).With(start));
                return [output, .. state.Tensors];
            });
    }

    /// <summary>Bytes of workspace that wait for the next call.</summary>
    public long WorkspaceBytes => _engine.WorkspaceBytes;

    /// <summary>Whole sequences from the trained first state.</summary>
    /// <param name="input">The sequences, <c>[batch, time, inputs]</c>, float32.</param>
    /// <returns>The outputs of the last layer, <c>[batch, time, units]</c>.</returns>
    /// <exception cref="DivergenceException">The input or a parameter is not finite.</exception>
    /// <exception cref="ShapeException">The input has another shape.</exception>
    public Tensor Forward(Tensor input) =>
        _engine.Run(input, [.. _controller.InitialState], shared: true, wantFinal: false)[0];

    /// <summary>Whole sequences from a given state.</summary>
    /// <param name="input">The sequences, <c>[batch, time, inputs]</c>, float32.</param>
    /// <param name="state">The state before the first step.</param>
    /// <returns>The outputs of the last layer, <c>[batch, time, units]</c>, and the state after the last step.</returns>
    /// <exception cref="DivergenceException">The input, the state or a parameter is not finite.</exception>
    /// <exception cref="ShapeException">The input or the state has another shape.</exception>
    public (Tensor Output, ControllerState State) Forward(Tensor input, ControllerState state)
    {
        var results = _engine.Run(input, [.. state.Tensors], shared: false, wantFinal: true);
        return (results[0], state.With([.. results.Skip(1)]));
    }

    /// <summary>Step by step, with the reference engine.</summary>
    private (Tensor Output, ControllerState State) Steps(Tensor input, ControllerState state)
    {
        var outputs = new List<Tensor>();
        foreach (var step in input.unbind(1))
        {
            (var output, state) = _controller.Step(step, state);
            outputs.Add(output);
        }

        return (stack(outputs, 1), state);
    }

    /// <inheritdoc/>
    public void Dispose() => _engine.Dispose();
}

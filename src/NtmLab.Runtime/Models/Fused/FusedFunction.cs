using NtmLab.Kernels;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>One forward pass: how it is wanted.</summary>
/// <param name="Engine">The engine.</param>
/// <param name="Shared">Whether the start is one for all sequences.</param>
/// <param name="WantFinal">Whether the final state is wanted.</param>
/// <param name="Trace">Gets what the heads of the first sequence did, if given.</param>
internal sealed record FusedPass(FusedEngine Engine, bool Shared, bool WantFinal, MemoryTrace? Trace);

/// <summary>
/// A <see cref="FusedEngine"/>'s forward pass as autograd sees it. Variables: the pass, the input, the parameters in order,
/// the start in order. The kernel goes backward once; a second time, or where second derivatives may follow, the gradients
/// are those of the reference engine.
/// </summary>
internal sealed class FusedFunction : autograd.MultiTensorFunction<FusedFunction>
{
    public override string Name => "Fused";

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var pass = (FusedPass)vars[0];
        var input = TensorMemory.Contiguous((Tensor)vars[1]);
        var parameters = vars.Skip(2).Take(pass.Engine.ParameterCount).Cast<Tensor>().ToList();

        // Segments may be computed again in the backward pass: what the plan points to must still be there.
        var start = vars.Skip(2 + parameters.Count).Select(part => TensorMemory.Contiguous((Tensor)part)).ToList();
        var (results, plan) = pass.Engine.Forward(pass, input, parameters, start, version: 0, keep: true);
        ctx.save_data("pass", pass);
        ctx.save_data("plan", plan!);
        ctx.save_data("wanted", vars.Skip(1).Select(value => ((Tensor)value).requires_grad).ToArray());
        ctx.save_for_backward([input, .. start]);
        return results;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        var pass = (FusedPass)ctx.get_data("pass");
        var wanted = (bool[])ctx.get_data("wanted");
        var saved = ctx.get_saved_variables();
        using var plan = (SequencePlan)ctx.get_data("plan");
        var gradients = is_grad_enabled() || !plan.IsReady
            ? pass.Engine.ReferenceBackward(pass, saved, wanted, grad_outputs)
            : pass.Engine.Backward(pass, plan, saved, wanted, grad_outputs);
        return [null!, .. gradients.Select(gradient => gradient!)];
    }
}

using NtmLab.Interchange;
using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Probes;

/// <summary>
/// What heads and memory did through one sequence, as a safetensors file of 32-bit floats, for the dashboard and for programs of one's
/// own: <c>input</c>, <c>target</c>, <c>output</c> <c>[time, feature]</c>; <c>read_weighting</c>, <c>write_weighting</c>
/// <c>[time, head, slot]</c>; <c>read</c>, <c>erase</c>, <c>add</c> <c>[time, head, width]</c>; and <c>memory</c>
/// <c>[time, slot, width]</c> after each step, where it is small enough. Slots that were not there yet are 0.
/// </summary>
public static class HeadTraceFile
{
    /// <summary>The most bytes of the weightings, and of the memory over all steps; what is larger is left out.</summary>
    public const long SizeLimit = 8L << 20;

    /// <summary>Writes a file, unless there are no heads or their weightings are too large; its folder is made if missing.</summary>
    /// <param name="path">The file; an older one is replaced.</param>
    /// <param name="trace">What the heads did.</param>
    /// <param name="sequence">Input, target and output by these names, each <c>[feature, time]</c>.</param>
    /// <param name="memory">The memory after each step, <c>[time, slot, width]</c>; null to leave it out.</param>
    /// <returns>Whether it was written.</returns>
    /// <exception cref="RunException">The file cannot be written; an older one is intact.</exception>
    public static bool Write(string path, HeadTrace trace, IReadOnlyDictionary<string, float[,]> sequence, Tensor? memory)
    {
        var steps = trace.Steps;
        if (steps.Count == 0 || Bytes(steps, step => step.ReadWeighting) + Bytes(steps, step => step.WriteWeighting) > SizeLimit)
        {
            return false;
        }

        using var scope = NewDisposeScope();
        var tensors = new List<(string, Tensor)>();
        tensors.AddRange(sequence.Select(named => (named.Key, tensor(named.Value).t().contiguous())));
        Add("read_weighting", step => step.ReadWeighting);
        Add("write_weighting", step => step.WriteWeighting);
        Add("read", step => step.Reads);
        Add("erase", step => step.Erase);
        Add("add", step => step.Add);
        if (memory is not null)
        {
            tensors.Add(("memory", memory));
        }

        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new RunException($"{path}: its folder cannot be made ({fault.Message.TrimEnd('.')}).", fault);
        }

        WeightsFile.Write(path, ExportFormat.Safetensors, tensors);
        return true;

        void Add(string name, Func<HeadStep, IReadOnlyList<float[]>> part)
        {
            var (heads, width) = (part(steps[0]).Count, part(steps[0]).Select(values => values.Length).FirstOrDefault());
            if (heads * width > 0)
            {
                float[] values = [.. steps.SelectMany(part).SelectMany(head => head)];
                tensors.Add((name, tensor(values).view(steps.Count, heads, width)));
            }
        }
    }

    /// <summary>
    /// The memory of a model after each step of the first sequence of a batch, <c>[time, slot, width]</c>; null of a model without one,
    /// and where it is larger than <see cref="SizeLimit"/>. It belongs to the caller's dispose scope.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="input">The batch's input, <c>[batch, time, feature]</c>.</param>
    public static Tensor? Memory(SequenceModel model, Tensor input)
    {
        if (MemoryModel.Of(model) is not { } memory)
        {
            return null;
        }

        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var first = input.narrow(0, 0, 1);
        var state = model.InitialState(1);
        var contents = new List<Tensor>();
        for (var time = 0; time < input.shape[1]; time++)
        {
            state = model.Step(first.select(1, time), state).State;
            contents.Add(MemoryModel.Contents(state).Memory[0].detach().cpu());
            // A memory may grow.
            if (sizeof(float) * input.shape[1] * contents[^1].shape[0] * memory.Width > SizeLimit)
            {
                return null;
            }
        }

        var slots = contents.Max(each => each.shape[0]);
        return stack(contents.Select(each => nn.functional.pad(each, [0, 0, 0, slots - each.shape[0]]))).MoveToOuterDisposeScope();
    }

    private static long Bytes(IReadOnlyList<HeadStep> steps, Func<HeadStep, IReadOnlyList<float[]>> part) =>
        sizeof(float) * (long)steps.Count * part(steps[0]).Sum(values => (long)values.Length);
}

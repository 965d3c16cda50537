namespace NtmLab.Kernels;

/// <summary>
/// Where the parameters of a controller with a memory lie, or where their gradients go, in the order of
/// <see cref="MemoryShape.Parameters"/>.
/// </summary>
internal readonly unsafe struct MemoryTensors
{
    public MemoryTensors(MemoryShape shape, IReadOnlyList<SequenceTensor> parameters)
    {
        var next = 0;
        Layers = new LayerTensors[shape.Layers];
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            Layers[layer] = LayerTensors.Take(shape.Controller, parameters, ref next);
        }

        InterfaceWeight = parameters[next].Values;
        InterfaceBias = parameters[next + 1].Values;
        OutputWeight = parameters[next + 2].Values;
        OutputBias = parameters[next + 3].Values;
    }

    /// <summary>The controller's layers, the one that sees the input first.</summary>
    public LayerTensors[] Layers { get; }

    /// <summary><c>[interface size, units]</c>.</summary>
    public float* InterfaceWeight { get; }

    /// <summary><c>[interface size]</c>.</summary>
    public float* InterfaceBias { get; }

    /// <summary><c>[outputs, units + read width]</c>.</summary>
    public float* OutputWeight { get; }

    /// <summary><c>[outputs]</c>.</summary>
    public float* OutputBias { get; }
}

namespace NtmLab.Kernels;

/// <summary>
/// Moves states and their gradients between the layers of a group and the tensors outside; what all sequences share is
/// summed.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
/// <param name="layers">The group's layers.</param>
/// <param name="units">Their width.</param>
/// <param name="firstSequence">The group's first sequence in the batch.</param>
internal sealed unsafe class LayerStates<T>(RecurrentLayer<T>[] layers, int units, int firstSequence)
    where T : unmanaged, ILanes<T>
{
    private readonly bool _recurrent = layers[0].IsRecurrent;
    private readonly bool _hasCell = layers[0].HasCell;

    /// <summary>How many of a state's parts are the layers'.</summary>
    public int Parts => (_recurrent ? layers.Length : 0) + (_hasCell ? layers.Length : 0);

    /// <summary>Puts one row at its start.</summary>
    public void TakeIn(IReadOnlyList<SequenceTensor> state, int row)
    {
        for (var i = 0; i < Parts; i++)
        {
            Floats.Copy(state[i].Of(firstSequence + row), Own(i, 0, row), units);
        }
    }

    /// <summary>Gives out the state of one row at a step.</summary>
    public void GiveOut(IReadOnlyList<SequenceTensor> state, int row, int step)
    {
        for (var i = 0; i < Parts; i++)
        {
            Floats.Copy(Own(i, step, row), state[i].Of(firstSequence + row), units);
        }
    }

    /// <summary>Takes the gradients of one row's final state in, or gives those of its start out.</summary>
    /// <param name="state">The gradients outside.</param>
    /// <param name="row">The row.</param>
    /// <param name="takeIn">In or out.</param>
    /// <param name="gradients">Get those of a shared start added.</param>
    public void MoveGradients(IReadOnlyList<SequenceTensor> state, int row, bool takeIn, LayerGradients<T>[] gradients)
    {
        for (var i = 0; i < Parts; i++)
        {
            var layer = i % layers.Length;
            var own = i < layers.Length
                ? layers[layer].HiddenGradient + ((long)row * layers[layer].HiddenStride)
                : layers[layer].CellGradient(row);
            var shared = i < layers.Length ? gradients[layer].StartHidden : gradients[layer].StartCell;
            Move(state[i], firstSequence + row, 0, own, units, takeIn, shared);
        }
    }

    /// <summary>Copies the gradients of a shared start out, as far as they are wanted.</summary>
    public static void CopyStartTo(CellKind kind, LayerGradients<T>[] gradients, IReadOnlyList<SequenceTensor> start)
    {
        for (var i = 0; kind.IsRecurrent() && i < gradients.Length; i++)
        {
            gradients[i].StartHidden.CopyTo(start[i]);
            if (kind.HasCell())
            {
                gradients[i].StartCell.CopyTo(start[gradients.Length + i]);
            }
        }
    }

    /// <summary>Moves the gradient of one part of one sequence's state.</summary>
    /// <param name="part">Where it lies outside.</param>
    /// <param name="sequence">The sequence.</param>
    /// <param name="offset">Where in the sequence's part it begins.</param>
    /// <param name="own">Where it lies in the group, with room for whole rows of lanes.</param>
    /// <param name="count">Its floats.</param>
    /// <param name="takeIn">In or out.</param>
    /// <param name="shared">Gets that of a part which all sequences share; null where none is wanted.</param>
    public static void Move(
        SequenceTensor part, int sequence, long offset, float* own, int count, bool takeIn, GradientMatrix<T>? shared)
    {
        if (part.Values is null)
        {
            return;
        }

        if (part.IsShared)
        {
            shared?.AddRows(1, own, 0);
        }
        else if (takeIn)
        {
            Floats.Copy(part.Of(sequence) + offset, own, count);
        }
        else
        {
            Floats.Copy(own, part.Of(sequence) + offset, count);
        }
    }

    private float* Own(int part, int step, int row)
    {
        var layer = layers[part % layers.Length];
        return part < layers.Length ? layer.Hidden(step, row) : layer.Cell(step, row);
    }
}

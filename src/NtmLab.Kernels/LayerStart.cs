namespace NtmLab.Kernels;

/// <summary>
/// Moves states and their gradients between the layers of a group and the tensors outside; what all sequences share is
/// summed.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
/// <param name="layers">The group's layers.</param>
/// <param name="units">Their width.</param>
/// <param name="firstSequence">The group's first sequence in the batch.</param>
internal sealed unsafe class LayerStart<T>(RecurrentLayer<T>[] layers, int units, int firstSequence)
    where T : unmanaged, ILanes<T>
{
    /// <summary>Puts one row at its start.</summary>
    public void TakeIn(IReadOnlyList<StateTensor> hidden, IReadOnlyList<StateTensor> cells, int row)
    {
        for (var i = 0; i < hidden.Count; i++)
        {
            Floats.Copy(hidden[i].Of(firstSequence + row), layers[i].Hidden(0, row), units);
        }

        for (var i = 0; i < cells.Count; i++)
        {
            Floats.Copy(cells[i].Of(firstSequence + row), layers[i].Cell(0, row), units);
        }
    }

    /// <summary>Gives out the state of one row at a step.</summary>
    public void GiveOut(IReadOnlyList<StateTensor> hidden, IReadOnlyList<StateTensor> cells, int row, int step)
    {
        for (var i = 0; i < hidden.Count; i++)
        {
            Floats.Copy(layers[i].Hidden(step, row), hidden[i].Of(firstSequence + row), units);
        }

        for (var i = 0; i < cells.Count; i++)
        {
            Floats.Copy(layers[i].Cell(step, row), cells[i].Of(firstSequence + row), units);
        }
    }

    /// <summary>Takes the gradients of one row's final state in, or gives those of its start out.</summary>
    /// <param name="hidden">Those of the hidden states.</param>
    /// <param name="cells">Those of the cells.</param>
    /// <param name="row">The row.</param>
    /// <param name="takeIn">In or out.</param>
    /// <param name="gradients">Get those of a shared start added.</param>
    public void MoveGradients(
        IReadOnlyList<StateTensor> hidden, IReadOnlyList<StateTensor> cells, int row, bool takeIn, LayerGradients<T>[] gradients)
    {
        for (var i = 0; i < hidden.Count; i++)
        {
            var own = layers[i].HiddenGradient + ((long)row * layers[i].HiddenStride);
            Move(hidden[i], firstSequence + row, 0, own, units, takeIn, gradients[i].StartHidden);
        }

        for (var i = 0; i < cells.Count; i++)
        {
            Move(cells[i], firstSequence + row, 0, layers[i].CellGradient(row), units, takeIn, gradients[i].StartCell);
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
        StateTensor part, int sequence, long offset, float* own, int count, bool takeIn, GradientMatrix<T>? shared)
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
}

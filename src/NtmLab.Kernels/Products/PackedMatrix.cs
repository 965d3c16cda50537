namespace NtmLab.Kernels;

/// <summary>
/// A matrix laid out for <see cref="MatrixProduct{T}"/>: columns in panels of two rows of lanes, the last of one where that
/// is enough, each panel's entries in the order in which the product meets them, so that a product streams through memory
/// once.
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class PackedMatrix<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private readonly NativeBuffer _panels;

    /// <summary>Makes room for a matrix; its columns are padded with zeros to whole rows of lanes.</summary>
    /// <param name="inner">The dimension summed over.</param>
    /// <param name="columns">The columns of the result.</param>
    public PackedMatrix(int inner, int columns)
    {
        Inner = inner;
        Columns = columns;
        PaddedColumns = Rows.Padded<T>(columns);
        Panels = PaddedColumns / PanelWidth;
        HasHalfPanel = PaddedColumns % PanelWidth != 0;
        _panels = new NativeBuffer((long)PaddedColumns * inner);
    }

    /// <summary>Columns in a panel.</summary>
    public static int PanelWidth => 2 * T.Count;

    /// <summary>The dimension summed over.</summary>
    public int Inner { get; }

    /// <summary>The columns of the result.</summary>
    public int Columns { get; }

    /// <summary>The columns of the result with the padding.</summary>
    public int PaddedColumns { get; }

    /// <summary>The number of whole panels.</summary>
    public int Panels { get; }

    /// <summary>Whether a panel of half the width follows them.</summary>
    public bool HasHalfPanel { get; }

    /// <summary>Bytes held.</summary>
    public long Bytes => _panels.Bytes;

    /// <summary>The first entry of a panel: <c>[inner, PanelWidth]</c>, or half as wide for the one after the last.</summary>
    public float* Panel(int index) => _panels.Pointer + ((long)index * Inner * PanelWidth);

    /// <summary>Packs a block from a matrix with the result's columns as rows.</summary>
    /// <param name="source">Entry (inner i, column j) of the block stands at <c>source[j * stride + i]</c>.</param>
    /// <param name="stride">Distance between two columns.</param>
    /// <param name="firstInner">Where in the inner dimension the block begins.</param>
    /// <param name="inner">The block's extent in the inner dimension.</param>
    /// <param name="firstColumn">Where in the columns the block begins.</param>
    /// <param name="columns">The block's extent in the columns.</param>
    public void PackTransposed(float* source, int stride, int firstInner, int inner, int firstColumn, int columns)
    {
        for (var column = 0; column < columns;)
        {
            var (panel, lane) = Math.DivRem(firstColumn + column, PanelWidth);
            var width = WidthOf(panel);
            var count = Math.Min(width - lane, columns - column);
            var target = Panel(panel) + lane + ((long)firstInner * width);
            var from = source + ((long)column * stride);
            for (var i = 0; i < inner; i++)
            {
                for (var j = 0; j < count; j++)
                {
                    target[j] = from[((long)j * stride) + i];
                }

                target += width;
            }

            column += count;
        }
    }

    /// <summary>Packs a block from a matrix with the inner dimension as rows.</summary>
    /// <param name="source">Entry (inner i, column j) of the block stands at <c>source[i * stride + j]</c>.</param>
    /// <param name="stride">Distance between two entries of the inner dimension.</param>
    /// <param name="firstInner">Where in the inner dimension the block begins.</param>
    /// <param name="inner">The block's extent in the inner dimension.</param>
    /// <param name="firstColumn">Where in the columns the block begins.</param>
    /// <param name="columns">The block's extent in the columns.</param>
    public void Pack(float* source, int stride, int firstInner, int inner, int firstColumn, int columns)
    {
        for (var column = 0; column < columns;)
        {
            var (panel, lane) = Math.DivRem(firstColumn + column, PanelWidth);
            var width = WidthOf(panel);
            var count = Math.Min(width - lane, columns - column);
            var target = Panel(panel) + lane + ((long)firstInner * width);
            for (var i = 0; i < inner; i++)
            {
                new ReadOnlySpan<float>(source + ((long)i * stride) + column, count).CopyTo(new Span<float>(target, count));
                target += width;
            }

            column += count;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _panels.Dispose();

    private int WidthOf(int panel) => panel < Panels ? PanelWidth : T.Count;
}

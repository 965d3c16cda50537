using System.Runtime.CompilerServices;

namespace NtmLab.Kernels;

/// <summary>A sum of outer products: the gradient of a weight, or with one row, of a bias.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal sealed unsafe class GradientMatrix<T> : IDisposable
    where T : unmanaged, ILanes<T>
{
    private readonly NativeBuffer _values;
    private readonly int _rows;
    private readonly int _columns;
    private readonly int _stride;

    /// <summary>Makes a matrix of zeros.</summary>
    public GradientMatrix(int rows, int columns)
    {
        _rows = rows;
        _columns = columns;
        _stride = Rows.Padded<T>(columns);
        _values = new NativeBuffer((long)rows * _stride);
    }

    /// <summary>Bytes held.</summary>
    public long Bytes => _values.Bytes;

    /// <summary>Sets all to 0.</summary>
    public void Clear() => _values.Clear();

    /// <summary>Adds the matrix of another group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(GradientMatrix<T> other)
    {
        float* sum = _values.Pointer, term = other._values.Pointer;
        for (var i = 0L; i < _values.Length; i += T.Count)
        {
            (T.Load(sum + i) + T.Load(term + i)).Store(sum + i);
        }
    }

    /// <summary>Adds <c>x^T y</c>.</summary>
    /// <param name="inner">Rows of x and y.</param>
    /// <param name="x">Rows as long as this matrix has rows.</param>
    /// <param name="xStride">Distance between two rows of x.</param>
    /// <param name="y">Rows as long as this matrix has columns, with room for whole rows of lanes.</param>
    /// <param name="yStride">Distance between two rows of y.</param>
    public void AddOuterProducts(int inner, float* x, int xStride, float* y, int yStride) =>
        MatrixProduct<T>.AddOuterProducts(inner, x, xStride, _rows, y, yStride, _columns, _values.Pointer, _stride);

    /// <summary>Adds the sum of rows to a matrix of one row.</summary>
    /// <param name="count">How many rows.</param>
    /// <param name="x">The rows, with room for whole rows of lanes.</param>
    /// <param name="stride">Distance between two of them.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void AddRows(int count, float* x, int stride)
    {
        var sums = _values.Pointer;
        for (var j = 0; j < _stride; j += T.Count)
        {
            var sum = T.Load(sums + j);
            for (var i = 0; i < count; i++)
            {
                sum += T.Load(x + ((long)i * stride) + j);
            }

            sum.Store(sums + j);
        }
    }

    /// <summary>Copies a block out.</summary>
    /// <param name="row">Its first row.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="target">Where its first entry goes.</param>
    /// <param name="stride">Distance between two rows there.</param>
    public void CopyTo(int row, int rows, float* target, long stride)
    {
        for (var i = 0; i < rows; i++)
        {
            Floats.Copy(_values.Pointer + ((long)(row + i) * _stride), target + (i * stride), _columns);
        }
    }

    /// <summary>Copies a part of the first row out.</summary>
    public void CopyRowTo(int column, int count, float* target) => Floats.Copy(_values.Pointer + column, target, count);

    /// <summary>Copies a row out to a part of the state that all sequences share, if it is wanted.</summary>
    public void CopyTo(SequenceTensor part)
    {
        if (part.IsShared && part.Values is not null)
        {
            CopyTo(0, 1, part.Values, 0);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _values.Dispose();
}

namespace NtmLab.Data;

/// <summary>Mean and deviation of columns in one pass (Welford 1962).</summary>
internal sealed class ColumnStatistics(int columns)
{
    private readonly double[] _means = new double[columns];
    private readonly double[] _squares = new double[columns];
    private long _rows;

    /// <summary>The mean of each column.</summary>
    public double[] Means() => [.. _means];

    /// <summary>The standard deviation of each column, of the rows themselves (divided by their number).</summary>
    public double[] Deviations() => Array.ConvertAll(_squares, square => Math.Sqrt(square / Math.Max(1, _rows)));

    /// <summary>Takes rows in.</summary>
    /// <param name="rows"><c>[row, column]</c>.</param>
    public void Add(ReadOnlySpan<float> rows)
    {
        for (; rows.Length >= columns; rows = rows[columns..])
        {
            _rows++;
            for (var i = 0; i < columns; i++)
            {
                var difference = rows[i] - _means[i];
                _means[i] += difference / _rows;
                _squares[i] += difference * (rows[i] - _means[i]);
            }
        }
    }
}

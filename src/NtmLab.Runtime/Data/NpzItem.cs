namespace NtmLab.Data;

/// <summary>
/// An array of an archive with its values in the current sequence. What is wrong with it is told when it is asked for, so that an
/// archive may hold other things too.
/// </summary>
internal sealed class NpzItem : IDisposable
{
    private const long LongestSequence = 1 << 28;

    private readonly string _path;
    private readonly NpyArray? _array;
    private DataException? _fault;
    private float[] _values = [];
    private int _stride;
    private bool _isGroup;

    /// <summary>Reads the header of an array.</summary>
    /// <param name="path">The archive, for messages.</param>
    /// <param name="name">The array's name in it.</param>
    /// <param name="stream">The array, which it then owns.</param>
    public NpzItem(string path, string name, Stream stream)
    {
        (_path, Name) = (path, name);
        try
        {
            _array = new NpyArray(path, name, stream);
            Shape = _array.Shape;
        }
        catch (DataException fault)
        {
            stream.Dispose();
            _fault = fault;
        }
    }

    /// <summary>The array's name in its archive.</summary>
    public string Name { get; }

    /// <summary>The size of each dimension.</summary>
    public IReadOnlyList<long> Shape { get; } = [];

    /// <summary>The number of columns that it is.</summary>
    public int Features { get; private set; } = 1;

    /// <summary>The text of the current sequence.</summary>
    public string Text { get; private set; } = "";

    /// <summary>Sees which columns the array is, or why it is none.</summary>
    /// <param name="timed">An array that has the sequences and the steps of all others.</param>
    public void Arrange(NpzItem timed)
    {
        var (sequences, steps) = (timed.Shape[0], timed.Shape[1]);
        _fault ??= Misfit(timed.Name, sequences, steps) is { } misfit ? Fault(misfit) : null;
        if (_fault is null)
        {
            var isTimed = Shape.Count == 3 || (Shape.Count == 2 && Shape[1] == steps);
            _isGroup = Shape.Count == 3 || (Shape.Count == 2 && !isTimed);
            Features = _isGroup ? (int)Shape[^1] : 1;
            _stride = isTimed ? Features : 0;
        }
    }

    /// <summary>The name of one of its columns.</summary>
    public string Column(int feature) => _isGroup ? $"{Name}_{feature}" : Name;

    /// <summary>Requires an array that can be read.</summary>
    /// <exception cref="DataException">It cannot.</exception>
    public NpyArray RequireReadable() => _fault is null ? _array! : throw _fault;

    /// <summary>Requires numbers.</summary>
    /// <exception cref="DataException">It holds others, or cannot be read.</exception>
    public void RequireNumbers()
    {
        if (RequireReadable().HoldsTexts)
        {
            throw Fault("holds texts; numbers are wanted");
        }

        if (_values.Length == 0)
        {
            _values = new float[(int)PerSequence()];
        }
    }

    /// <summary>Requires one text for each sequence.</summary>
    /// <exception cref="DataException">It holds others, or cannot be read.</exception>
    public void RequireText()
    {
        if (!RequireReadable().HoldsTexts || Shape.Count != 1)
        {
            throw Fault("one text for each sequence is wanted");
        }
    }

    /// <summary>Requires that nothing follows the last value.</summary>
    /// <exception cref="DataException">Something does.</exception>
    public void RequireEnd() => RequireReadable().RequireEnd();

    /// <summary>Goes to the numbers of the next sequence.</summary>
    /// <exception cref="DataException">The array ends before.</exception>
    public void ReadNumbers() => RequireReadable().Read(_values);

    /// <summary>Goes to the text of the next sequence.</summary>
    /// <exception cref="DataException">The array ends before.</exception>
    public void ReadText() => Text = RequireReadable().ReadText();

    /// <summary>A number of the current sequence.</summary>
    public float Number(int step, int feature) => _values[(step * _stride) + feature];

    /// <inheritdoc/>
    public void Dispose() => _array?.Dispose();

    private UInt128 PerSequence() => Shape.Skip(1).Aggregate((UInt128)1, (product, size) => product * (ulong)size);

    private string? Misfit(string timed, long sequences, long steps)
    {
        if (Shape.Count is 0 or > 3)
        {
            return $"has {Shape.Count} dimensions; 1 to 3, sequence, time and feature, are accepted";
        }

        if (Shape[0] != sequences)
        {
            return $"holds {Shape[0]} sequences, and array '{timed}' {sequences}; as many are wanted";
        }

        if (Shape.Count == 3 && Shape[1] != steps)
        {
            return $"has the second dimension {Shape[1]}, and array '{timed}' {steps}; as many steps are wanted";
        }

        return PerSequence() > LongestSequence
            ? $"has more than {LongestSequence} values in each sequence, the most that are accepted"
            : null;
    }

    private DataException Fault(string what) => DataFile.Fault(_path, $"array '{Name}': {what}");
}

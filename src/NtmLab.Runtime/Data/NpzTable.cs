using System.IO.Compression;

namespace NtmLab.Data;

/// <summary>
/// An NPZ archive of arrays that share their first dimension, which counts sequences. An array <c>x</c> is
/// <code>
/// [n, time]       the column x
/// [n, time, f]    the columns x_0 to x_(f-1)
/// [n]             the column x, the same value in each step of a sequence
/// [n, k]          the columns x_0 to x_(k-1), likewise
/// </code>
/// The number of steps is that of the arrays with three dimensions; where there are none, the greatest second dimension. Memory
/// holds one sequence.
/// </summary>
internal sealed class NpzTable : TableReader
{
    private const string Extension = ".npy";
    private const long LongestSequence = 1 << 28;

    private readonly ZipArchive _archive;
    private readonly List<Item> _items = [];
    private readonly List<(Item Item, int Feature)> _places = [];
    private readonly string[] _columns;
    private readonly long _sequences;
    private readonly int _steps;
    private (Item Item, int Feature)[] _numbers = [];
    private Item[] _texts = [];
    private Item[] _chosen = [];
    private long _sequence;
    private int _step;

    public NpzTable(string path)
        : base(path)
    {
        var file = DataFile.Open(path);
        try
        {
            _archive = new ZipArchive(file, ZipArchiveMode.Read);
            foreach (var entry in _archive.Entries.Where(entry => entry.Name.EndsWith(Extension, StringComparison.Ordinal)))
            {
                _items.Add(new Item(new NpyArray(path, entry.FullName[..^Extension.Length], entry.Open())));
            }

            (_sequences, _steps) = Dimensions();
        }
        catch (Exception fault) when (DataFile.IsOfReading(fault))
        {
            throw DataFile.Fault(path, "cannot be read as an NPZ archive; it is damaged", fault);
        }
        finally
        {
            if (_steps == 0)
            {
                _archive?.Dispose();
                file.Dispose();
            }
        }

        foreach (var item in _items)
        {
            item.Arrange(_steps);
            _places.AddRange(Enumerable.Range(0, item.Features).Select(feature => (item, feature)));
        }

        _columns = _places.Select(place => place.Item.Column(place.Feature)).ToArray();
        _step = _steps - 1;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Columns => _columns;

    /// <inheritdoc/>
    public override bool HasSequences => true;

    /// <inheritdoc/>
    public override bool BeginsSequence => _step == 0;

    /// <inheritdoc/>
    public override string Place => $"sequence {_sequence}, step {_step + 1}";

    /// <inheritdoc/>
    public override void Select(IReadOnlyList<int> numbers, IReadOnlyList<int> texts)
    {
        _numbers = numbers.Select(place => _places[place]).ToArray();
        _texts = texts.Select(place => _places[place].Item).ToArray();
        if (Array.Find(_numbers, place => place.Item.Array.HoldsTexts).Item is { } item)
        {
            throw DataFile.Fault(Path, $"array '{item.Array.Name}': holds texts; numbers are wanted");
        }

        if (Array.Find(_texts, item => !item.Array.HoldsTexts || item.Array.Shape.Count != 1) is { } other)
        {
            throw DataFile.Fault(Path, $"array '{other.Array.Name}': one text for each sequence is wanted");
        }

        _chosen = _numbers.Select(place => place.Item).Distinct().ToArray();
    }

    /// <inheritdoc/>
    public override bool Read()
    {
        if (++_step < _steps)
        {
            Row++;
            return true;
        }

        if (_sequence == _sequences)
        {
            foreach (var item in _chosen.Concat(_texts))
            {
                item.Array.RequireEnd();
            }

            return false;
        }

        _sequence++;
        _step = 0;
        foreach (var item in _chosen)
        {
            item.ReadNumbers();
        }

        foreach (var item in _texts)
        {
            item.ReadText();
        }

        Row++;
        return true;
    }

    /// <inheritdoc/>
    public override void Numbers(Span<float> destination)
    {
        for (var i = 0; i < _numbers.Length; i++)
        {
            var (item, feature) = _numbers[i];
            var number = item.Number(_step, feature);
            destination[i] = float.IsFinite(number) ? number : Finite(Place, item.Column(feature), number);
        }
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<char> Text(int chosen) =>
        _texts[chosen].Text is { Length: > 0 } text ? text : throw Missing(Place, _texts[chosen].Array.Name);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (var item in _items)
        {
            item.Array.Dispose();
        }

        _archive.Dispose();
    }

    private (long Sequences, int Steps) Dimensions()
    {
        var arrays = _items.Select(item => item.Array).ToArray();
        if (arrays.Length == 0)
        {
            throw DataFile.Fault(Path, "holds no .npy arrays");
        }

        if (Array.Find(arrays, array => array.Shape.Count is 0 or > 3) is { } odd)
        {
            throw DataFile.Fault(
                Path, $"array '{odd.Name}': has {odd.Shape.Count} dimensions; 1 to 3, sequence, time and feature, are accepted");
        }

        var first = arrays[0];
        if (Array.Find(arrays, array => array.Shape[0] != first.Shape[0]) is { } other)
        {
            throw DataFile.Fault(
                Path,
                $"array '{other.Name}': holds {other.Shape[0]} sequences, and array '{first.Name}' {first.Shape[0]}; as many are wanted");
        }

        var timed = arrays.MaxBy(array => array.Shape.Count == 1 ? (0, 0) : (array.Shape.Count, array.Shape[1]))!;
        if (timed.Shape.Count == 1)
        {
            throw DataFile.Fault(Path, "holds no array of two or three dimensions: sequence, time and, where there are several, feature");
        }

        var steps = timed.Shape[1];
        if (Array.Find(arrays, array => array.Shape.Count == 3 && array.Shape[1] != steps) is { } uneven)
        {
            throw DataFile.Fault(
                Path,
                $"array '{uneven.Name}': has the second dimension {uneven.Shape[1]}, and array '{timed.Name}' {steps}; as many steps are wanted");
        }

        if (Array.Find(arrays, array => array.Shape.Skip(1).Aggregate((UInt128)1, (a, b) => a * (ulong)b) > LongestSequence) is { } vast)
        {
            throw DataFile.Fault(
                Path, $"array '{vast.Name}': has more than {LongestSequence} values in each sequence, the most that are accepted");
        }

        return (first.Shape[0], (int)steps);
    }

    /// <summary>An array with its values in the current sequence.</summary>
    private sealed class Item(NpyArray array)
    {
        private float[] _values = [];
        private int _stride;
        private bool _isGroup;

        public NpyArray Array { get; } = array;

        public int Features { get; private set; } = 1;

        public string Text { get; private set; } = "";

        public void Arrange(int steps)
        {
            var isTimed = Array.Shape.Count == 3 || (Array.Shape.Count == 2 && Array.Shape[1] == steps);
            _isGroup = Array.Shape.Count == 3 || (Array.Shape.Count == 2 && !isTimed);
            Features = _isGroup ? (int)Array.Shape[^1] : 1;
            _stride = isTimed ? Features : 0;
        }

        public string Column(int feature) => _isGroup ? $"{Array.Name}_{feature}" : Array.Name;

        public void ReadNumbers()
        {
            if (_values.Length == 0)
            {
                _values = new float[Array.Shape.Skip(1).Aggregate(1, (product, size) => product * (int)size)];
            }

            Array.Read(_values);
        }

        public void ReadText() => Text = Array.ReadText();

        public float Number(int step, int feature) => _values[(step * _stride) + feature];
    }
}

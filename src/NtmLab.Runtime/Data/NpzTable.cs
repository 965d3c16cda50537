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
/// The number of steps is that of the first array with three dimensions; where there are none, the greatest second dimension. What
/// does not fit in, such as single numbers that describe the data, may be in the archive but not be asked for. Memory holds one
/// sequence.
/// </summary>
internal sealed class NpzTable : TableReader
{
    private const string Extension = ".npy";

    private readonly ZipArchive _archive;
    private readonly List<NpzItem> _items = [];
    private readonly List<(NpzItem Item, int Feature)> _places = [];
    private readonly string[] _columns;
    private readonly long _sequences;
    private readonly int _steps;
    private (NpzItem Item, int Feature)[] _numbers = [];
    private NpzItem[] _texts = [];
    private NpzItem[] _chosen = [];
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
                _items.Add(new NpzItem(path, entry.FullName[..^Extension.Length], entry.Open()));
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
        foreach (var (item, _) in _numbers)
        {
            item.RequireNumbers();
        }

        foreach (var item in _texts)
        {
            item.RequireText();
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
                item.RequireEnd();
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
        _texts[chosen].Text is { Length: > 0 } text ? text : throw Missing(Place, _texts[chosen].Name);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (var item in _items)
        {
            item.Dispose();
        }

        _archive.Dispose();
    }

    private (long Sequences, int Steps) Dimensions()
    {
        if (_items.Count == 0)
        {
            throw DataFile.Fault(Path, "holds no .npy arrays");
        }

        var timed = _items
            .Where(item => item.Shape.Count is 2 or 3)
            .MaxBy(item => (item.Shape.Count, item.Shape.Count == 2 ? item.Shape[1] : 0));
        if (timed is null)
        {
            // A single array that is at fault is what the user meant.
            _items[0].RequireReadable();
            throw DataFile.Fault(Path, "holds no array of two or three dimensions: sequence, time and, where there are several, feature");
        }

        foreach (var item in _items)
        {
            item.Arrange(timed);
        }

        timed.RequireReadable();
        return (timed.Shape[0], (int)timed.Shape[1]);
    }
}

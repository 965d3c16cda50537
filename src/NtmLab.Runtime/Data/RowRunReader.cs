namespace NtmLab.Data;

/// <summary>Sees from each row of a table, as it passes, where runs of rows begin and end.</summary>
internal sealed class RowRunReader
{
    private const string Train = "train";
    private const string Validation = "validation";

    private readonly TableReader _table;
    private readonly SequenceSource _source;
    private readonly List<RowRun> _runs = [];
    private readonly HashSet<string> _seen = [];
    private string _sequence = "";
    private string _split = "";
    private string _place = "";
    private long _first;
    private long _rows;

    /// <summary>Makes the reader of a table's runs.</summary>
    /// <exception cref="DataException">The table cannot be cut as the source says, or a column is unknown.</exception>
    public RowRunReader(TableReader table, SequenceSource source)
    {
        (_table, _source) = (table, source);
        if (table.HasSequences && (source.Sequence.Length > 0 || source.Window > 0))
        {
            throw DataFile.Fault(table.Path, "holds sequences as they are; neither a sequence column nor a window is accepted");
        }

        if (!table.HasSequences && source.Sequence.Length == 0 && source.Window == 0)
        {
            throw DataFile.Fault(table.Path, "holds rows; a sequence column or a window is wanted to tell sequences apart");
        }

        Texts = new[] { source.Sequence, source.Split }.Where(name => name.Length > 0).Select(Single).ToArray();
    }

    /// <summary>Places of the columns that it needs as texts.</summary>
    public IReadOnlyList<int> Texts { get; }

    /// <summary>Takes the table's current row in.</summary>
    /// <exception cref="DataException">
    /// It goes on with a sequence that had ended or is too short, says something else than train and validation, or changes that
    /// within a sequence.
    /// </exception>
    public void Row()
    {
        var begins = _rows == 0 || _table.BeginsSequence;
        var split = _source.Split.Length > 0 ? _table.Text(Texts.Count - 1) : default;
        var splits = !split.SequenceEqual(_split);
        if (_source.Sequence.Length > 0)
        {
            var sequence = _table.Text(0);
            if (begins || !sequence.SequenceEqual(_sequence))
            {
                begins = true;
                _sequence = sequence.ToString();
                if (!_seen.Add(_sequence))
                {
                    throw _table.Fault(
                        _source.Sequence, $"sequence {TableReader.Quote(_sequence)} begins again; all rows of a sequence are wanted one after another");
                }
            }
        }

        if (splits && !begins && _source.Window == 0)
        {
            throw _table.Fault(_source.Split, $"{TableReader.Quote(split)} follows '{_split}'; one value for all steps of a sequence is wanted");
        }

        if (begins || splits)
        {
            End();
            _place = _table.Place;
            _split = split.ToString();
            if (_source.Split.Length > 0 && _split is not (Train or Validation))
            {
                throw _table.Fault(_source.Split, $"{TableReader.Quote(_split)} is not allowed; {Train} or {Validation} is");
            }
        }

        _rows++;
    }

    /// <summary>Ends the last run and gives all.</summary>
    /// <exception cref="DataException">The last sequence is too short.</exception>
    public IReadOnlyList<RowRun> All()
    {
        End();
        return _runs;
    }

    private void End()
    {
        var count = _rows - _first;
        if (count == 0)
        {
            return;
        }

        if (_source.Window == 0 && count < _source.LeastSteps)
        {
            throw DataFile.Fault(
                _table.Path, $"{_place}: the sequence that begins there has {count} of the {_source.LeastSteps} steps that are wanted");
        }

        _runs.Add(new RowRun(_first, count, _split == Validation));
        _first = _rows;
    }

    private int Single(string name)
    {
        var places = _table.Find(name);
        return places.Count == 1
            ? places[0]
            : throw DataFile.Fault(_table.Path, $"'{name}' names {places.Count} columns; a single one is wanted");
    }
}

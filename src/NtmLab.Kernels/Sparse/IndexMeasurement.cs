using System.Diagnostics;

namespace NtmLab.Kernels;

/// <summary>Measures the approximate index of a sparse memory against looking at every slot.</summary>
public static unsafe class IndexMeasurement
{
    /// <summary>Fills a memory, asks both searches the same, replaces rows, and asks again.</summary>
    /// <param name="slots">Slots, each with contents of its own.</param>
    /// <param name="width">The width of a slot.</param>
    /// <param name="nearest">The number of slots K that a read asks for; at most as many as there are.</param>
    /// <param name="queries">How often to ask, both times.</param>
    /// <param name="replaced">How many rows to replace, the first ones first.</param>
    /// <param name="draw">Draws the contents of a slot, or a query.</param>
    /// <exception cref="InvalidOperationException">The index's library cannot be used here.</exception>
    public static IndexCost Run(int slots, int width, int nearest, int queries, int replaced, Action<Span<float>> draw)
    {
        if (SlotIndexLibrary.Fault is { } fault)
        {
            throw new InvalidOperationException(fault);
        }

        return VectorPaths.Best switch
        {
            VectorPath.Vector512 => Run<Lanes512>(slots, width, nearest, queries, replaced, draw),
            VectorPath.Vector256 => Run<Lanes256>(slots, width, nearest, queries, replaced, draw),
            VectorPath.Vector128 => Run<Lanes128>(slots, width, nearest, queries, replaced, draw),
            _ => Run<Lanes1>(slots, width, nearest, queries, replaced, draw),
        };
    }

    private static IndexCost Run<T>(
        int slots, int width, int nearest, int queries, int replaced, Action<Span<float>> draw)
        where T : unmanaged, ILanes<T>
    {
        var shape = new SparseShape(1, 1, CellKind.FeedForward, 1, 1, slots, width, 1, nearest, Blank: null)
        {
            IndexAbove = 0,
        };
        using var memory = new SparseMemory<T>(shape);
        using var contents = new NativeBuffer((long)slots * width);
        for (var slot = 0; slot < slots; slot++)
        {
            draw(new Span<float>(contents.Pointer + ((long)slot * width), width));
        }

        memory.Start(contents.Pointer);
        using var search = new IndexedSearch<T>(shape, memory, scansBefore: 0);
        using var row = new NativeBuffer(Rows.Padded<T>(width));
        var found = stackalloc int[nearest];
        draw(new Span<float>(row.Pointer, width));
        var clock = Stopwatch.GetTimestamp();
        search.Search(row.Pointer, found);
        var made = Stopwatch.GetElapsedTime(clock).TotalMicroseconds;

        var fresh = Ask(shape, memory, search, queries, draw);
        clock = Stopwatch.GetTimestamp();
        for (var i = 0; i < replaced; i++)
        {
            draw(new Span<float>(row.Pointer, width));
            memory.Put(i % slots, row.Pointer, SparseMemory<T>.Norm(row.Pointer, width));
            search.Put(i % slots, row.Pointer);
        }

        var put = Stopwatch.GetElapsedTime(clock).TotalMicroseconds;
        var later = Ask(shape, memory, search, queries, draw);
        return new IndexCost(
            slots,
            made / slots,
            replaced == 0 ? 0 : put / replaced,
            fresh.Search,
            fresh.Scan,
            fresh.Recall,
            later.Recall,
            search.Bytes);
    }

    /// <summary>Microseconds of both, medians, and the share of the nearest slots that the index found.</summary>
    private static (double Search, double Scan, double Recall) Ask<T>(
        SparseShape shape, SparseMemory<T> memory, IndexedSearch<T> search, int queries, Action<Span<float>> draw)
        where T : unmanaged, ILanes<T>
    {
        using var scan = new SlotScan<T>(shape, memory);
        using var query = new NativeBuffer(Rows.Padded<T>(shape.Width));
        int* found = stackalloc int[shape.Nearest], nearest = stackalloc int[shape.Nearest];
        var (searched, scanned) = (new double[queries], new double[queries]);
        var hits = 0;
        for (var i = 0; i < queries; i++)
        {
            draw(new Span<float>(query.Pointer, shape.Width));
            var clock = Stopwatch.GetTimestamp();
            search.Search(query.Pointer, found);
            searched[i] = Stopwatch.GetElapsedTime(clock).TotalMicroseconds;
            clock = Stopwatch.GetTimestamp();
            scan.Search(query.Pointer, nearest);
            scanned[i] = Stopwatch.GetElapsedTime(clock).TotalMicroseconds;
            foreach (var slot in new ReadOnlySpan<int>(found, shape.Nearest))
            {
                hits += new ReadOnlySpan<int>(nearest, shape.Nearest).Contains(slot) ? 1 : 0;
            }
        }

        Array.Sort(searched);
        Array.Sort(scanned);
        return (searched[queries / 2], scanned[queries / 2], hits / (double)(queries * shape.Nearest));
    }
}

/// <summary>What the approximate index costs and finds, for one query at a time.</summary>
/// <param name="Slots">Slots in the memory.</param>
/// <param name="MakeMicroseconds">To make the index, for each slot.</param>
/// <param name="PutMicroseconds">To replace a row.</param>
/// <param name="SearchMicroseconds">To find K slots with the index, median.</param>
/// <param name="ScanMicroseconds">To look at every slot, median.</param>
/// <param name="Recall">The share of the K nearest slots that the index finds.</param>
/// <param name="RecallAfterReplacing">The same after rows were replaced.</param>
/// <param name="Bytes">What is held beside the memory, estimated.</param>
public sealed record IndexCost(
    int Slots,
    double MakeMicroseconds,
    double PutMicroseconds,
    double SearchMicroseconds,
    double ScanMicroseconds,
    double Recall,
    double RecallAfterReplacing,
    long Bytes)
{
    /// <summary>Searches for which making the index takes as long as looking at every slot would.</summary>
    public double ScansToMake => MakeMicroseconds * Slots / ScanMicroseconds;
}

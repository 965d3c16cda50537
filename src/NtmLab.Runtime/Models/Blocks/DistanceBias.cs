using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// Learned relative positions: a trained number for each distance within a context, added to the attention scores (Raffel et
/// al. 2020, section 2.1, with an entry for each distance); at first all 0.
/// </summary>
public sealed class DistanceBias : nn.Module
{
    private readonly int _context;

    /// <summary>Makes the table.</summary>
    /// <param name="context">Distances 0 to context - 1.</param>
    public DistanceBias(int context)
        : base(nameof(DistanceBias))
    {
        _context = context;
        register_parameter("bias", Initialisation.Constant(0, context));
    }

    /// <summary>
    /// The bias of every key for every query, when the last query stands at the last key: of query j and key m, that of the
    /// distance <c>j - m + keys - queries</c>.
    /// </summary>
    /// <param name="queries">The number of queries.</param>
    /// <param name="keys">The number of keys.</param>
    /// <returns>The bias, 0 for distances outside the context, <c>[queries, keys]</c>.</returns>
    public Tensor Of(long queries, long keys)
    {
        // Row j is a piece of one line of all distances, longest first, one place further left than row j - 1's.
        var line = nn.functional.pad(get_parameter("bias")!.flip(0), [keys - _context, queries - 1]);
        return line.unfold(0, keys, 1).flip(0);
    }
}

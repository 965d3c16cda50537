using NtmLab.Memory;
using NtmLab.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Probes;

/// <summary>
/// Looks at a saved memory slot by slot: which slots are in use, how strongly, and how alike they are, so that what is stored twice
/// is seen.
/// </summary>
public static class SlotProbe
{
    private const string Usage = "usage";
    private const string Change = "change";

    /// <summary>Of usage and change, the part of the greatest that counts as use.</summary>
    private const double UsedPart = 0.01;

    /// <summary>Slots that are compared with all others at once.</summary>
    private const int Block = 1024;

    private static readonly Scalar Tiny = 1e-12.ToScalar();
    private static readonly Scalar Itself = (-2.0).ToScalar();

    /// <summary>
    /// What tells how much a slot is in use: <c>strength</c> or <c>usage</c>, as the policy has it, else <c>change</c>, how far the
    /// slot is from what it began with.
    /// </summary>
    /// <param name="saved">The memory.</param>
    public static string UseName(SavedMemory saved) =>
        saved.PolicyState.Select(part => part.Name).FirstOrDefault(name => name is NamedState.StrengthName or Usage) ?? Change;

    /// <summary>Every slot, in order. A slot is in use where its strength is above 0, or its usage or change above 1 % of the greatest.</summary>
    /// <param name="saved">The memory.</param>
    public static IReadOnlyList<SlotContent> Slots(SavedMemory saved)
    {
        using var scope = NewDisposeScope();
        var name = UseName(saved);
        var use = Numbers(name == Change ? saved.Change : saved.PolicyState.First(part => part.Name == name).Value);
        var least = name == NamedState.StrengthName ? 0 : UsedPart * use.DefaultIfEmpty(0).Max();
        long[] used = [.. Enumerable.Range(0, saved.Slots).Where(slot => use[slot] > least).Select(slot => (long)slot)];
        var nearest = Nearest(saved.Memory, used);
        var norms = Numbers(saved.Memory.square().sum(1L).sqrt());
        var values = Numbers(saved.Memory).Select(value => (float)value).Chunk(saved.Width).ToArray();
        return
        [
            .. Enumerable.Range(0, saved.Slots).Select(slot => new SlotContent(
                slot,
                use[slot],
                use[slot] > least,
                norms[slot],
                nearest.TryGetValue(slot, out var other) ? other.Slot : null,
                nearest.TryGetValue(slot, out var alike) ? alike.Cosine : null,
                values[slot])),
        ];
    }

    /// <summary>For each of the given slots, the one of the others whose content has the greatest cosine with its own.</summary>
    private static Dictionary<long, (int Slot, double Cosine)> Nearest(Tensor memory, long[] used)
    {
        var found = new Dictionary<long, (int Slot, double Cosine)>();
        if (used.Length < 2)
        {
            return found;
        }

        var rows = memory.index_select(0, tensor(used));
        var units = rows / rows.square().sum(1L).sqrt().clamp_min(Tiny).unsqueeze(1);
        for (var first = 0; first < used.Length; first += Block)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(Block, used.Length - first);
            var cosines = matmul(units.narrow(0, first, count), units.t());
            cosines.diagonal(first).fill_(Itself);
            var (most, places) = cosines.max(1);
            var (values, others) = (Numbers(most), Numbers(places));
            for (var i = 0; i < count; i++)
            {
                found[used[first + i]] = ((int)used[(int)others[i]], values[i]);
            }
        }

        return found;
    }

    private static double[] Numbers(Tensor tensor) =>
        tensor.numel() == 0 ? [] : tensor.to(ScalarType.Float64).contiguous().data<double>().ToArray();
}

/// <summary>One slot of a saved memory.</summary>
/// <param name="Slot">Its number, from 0.</param>
/// <param name="Use">How much it is in use: see <see cref="SlotProbe.UseName"/>.</param>
/// <param name="IsUsed">Whether it counts as in use.</param>
/// <param name="Norm">The length of its vector.</param>
/// <param name="Nearest">The most similar of the other slots in use; null where it is not in use itself, or the only one.</param>
/// <param name="Cosine">The cosine with that one, in [-1, 1].</param>
/// <param name="Values">What it holds, one number for each of its width.</param>
public sealed record SlotContent(
    int Slot, double Use, bool IsUsed, double Norm, int? Nearest, double? Cosine, IReadOnlyList<float> Values);

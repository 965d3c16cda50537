using NtmLab.Data;

namespace NtmLab.Tasks;

/// <summary>Which sequences of finite data a batch holds.</summary>
internal static class FiniteData
{
    /// <summary>
    /// Training goes through all sequences, in another random order each time; an evaluation takes those that were kept from
    /// training in their own order, from the first on again when it asks for more than there are.
    /// </summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="training">The number of sequences to train on.</param>
    /// <param name="heldOut">The number of sequences kept from training.</param>
    /// <returns>Their numbers, in the part that was asked for.</returns>
    public static long[] Choose(BatchRequest request, long training, long heldOut)
    {
        var chosen = new long[Math.Max(0, request.Count)];
        var (epoch, order) = (-1L, default(EpochOrder));
        for (var i = 0; i < chosen.Length; i++)
        {
            var place = request.First + i;
            if (!request.HeldOut && place / training != epoch)
            {
                epoch = place / training;
                order = new EpochOrder(request.Seed, epoch, training);
            }

            chosen[i] = request.HeldOut ? place % heldOut : order.At(place % training);
        }

        return chosen;
    }

    /// <summary>Sequences to train on, drawn with replacement.</summary>
    public static long[] Draw(RandomStream random, int count, long training)
    {
        var chosen = new long[Math.Max(0, count)];
        for (var i = 0; i < chosen.Length; i++)
        {
            chosen[i] = random.NextInt64(training);
        }

        return chosen;
    }
}

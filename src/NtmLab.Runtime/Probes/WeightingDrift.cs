namespace NtmLab.Probes;

/// <summary>
/// Follows heads through a long sequence: does each stay on one slot, does it move on as it should, and is what was written still there
/// when it is read? What breaks first beyond the trained lengths is seen here before any output is wrong.
/// </summary>
public static class WeightingDrift
{
    /// <summary>The weight from which on a write counts as that slot's.</summary>
    private const float Half = 0.5f;

    /// <summary>Every head in every step: of a step the read heads first, then the write heads.</summary>
    /// <param name="trace">What the heads did; the same number of slots in every step.</param>
    public static IReadOnlyList<HeadFocus> Measure(HeadTrace trace)
    {
        var found = new List<HeadFocus>();
        var slots = trace.Steps.Count == 0 ? 0 : trace.Steps[0].ReadWeighting[0].Length;
        var left = new double[slots];
        Array.Fill(left, double.NaN);
        var last = new Dictionary<(bool Writes, int Head), int>();
        for (var step = 0; step < trace.Steps.Count; step++)
        {
            var heads = trace.Steps[step];
            Wear(heads, left);
            foreach (var (writes, weightings) in new[] { (false, heads.ReadWeighting), (true, heads.WriteWeighting) })
            {
                for (var head = 0; head < weightings.Count; head++)
                {
                    var weighting = weightings[head];
                    var largest = weighting.Max();
                    var slot = Array.IndexOf(weighting, largest);
                    found.Add(new HeadFocus(
                        step,
                        writes,
                        head,
                        slot,
                        largest,
                        Entropy(weighting),
                        Move(last.GetValueOrDefault((writes, head)), slot, slots),
                        double.IsNaN(left[slot]) ? null : left[slot]));
                    last[(writes, head)] = slot;
                }
            }
        }

        return found;
    }

    /// <summary>The way from slot to slot, the shorter one around the ring.</summary>
    private static int Move(int from, int to, int slots)
    {
        var forth = (to - from + slots) % slots;
        return 2 * forth <= slots ? forth : forth - slots;
    }

    private static double Entropy(float[] weighting) =>
        -weighting.Where(weight => weight > 0).Sum(weight => weight * Math.Log(weight));

    /// <summary>Takes from every slot what the writes of a step erase of it; of what a write puts there, all is left.</summary>
    private static void Wear(HeadStep heads, double[] left)
    {
        foreach (var (weighting, erase) in heads.WriteWeighting.Zip(heads.Erase))
        {
            var strength = erase.Average();
            for (var slot = 0; slot < left.Length; slot++)
            {
                left[slot] = weighting[slot] >= Half ? 1 : left[slot] * (1 - (weighting[slot] * strength));
            }
        }
    }
}

/// <summary>Where one head is in one step.</summary>
/// <param name="Step">The step, from 0.</param>
/// <param name="Writes">Whether it is a write head.</param>
/// <param name="Head">Which of its kind, from 0.</param>
/// <param name="Slot">The slot of the greatest weight.</param>
/// <param name="Largest">That weight: 1 for a head on one slot alone.</param>
/// <param name="Entropy">The entropy of the weighting in nats: 0 for a head on one slot alone, the logarithm of the slots for one everywhere.</param>
/// <param name="Move">How many slots on it is since the last step, before the first one slot 0; the shorter way around.</param>
/// <param name="Left">
/// How much is left in that slot of what was last written there with a weight of a half or more, after all that later writes erased of
/// it; null where there was no such write.
/// </param>
public sealed record HeadFocus(
    int Step, bool Writes, int Head, int Slot, double Largest, double Entropy, int Move, double? Left);

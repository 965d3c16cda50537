namespace NtmLab.Tasks;

/// <summary>
/// Prediction gain (Graves, Bellemare, Menick, Munos, Kavukcuoglu 2017, arXiv 1704.03003; on tasks of the NTM by Collier
/// and Beel 2018, arXiv 1809.10789): the bandit Exp3.S (Auer et al. 2002) chooses among N equal parts
/// of the length range, its arms, and is rewarded for how much a step lowers the loss of the batch it was taken on, per
/// length. With w = 0 at first, t the number of the batch from 1, and softmax(w) the chances before exploration,
/// <code>
/// pi_i    = (1 - epsilon) softmax(w)_i + epsilon / N                         the arm's probability
/// gain    = (loss before - loss after) / length
/// reward  = -1                             gain &lt; q20                        q20, q80: percentiles of past gains
///         = 1                              gain &gt;= q80
///         = 2 (gain - q20) / (q80 - q20) - 1                                else
/// r_i     = ([i was chosen] reward + beta) / pi_i
/// w_i     = log((1 - alpha) exp(w_i + eta r_i) + alpha / (N - 1) sum over j /= i of exp(w_j + eta r_j)),  alpha = 1 / (t + 1)
/// </code>
/// The first gain, which has none to be compared with, is worth 0.
/// </summary>
public sealed record PredictionGainCurriculum : Curriculum
{
    /// <summary>Equal parts of the length range to choose among; one a length where there are fewer lengths.</summary>
    public int Arms { get; init; } = 20;

    /// <summary>How fast weights change, eta.</summary>
    public double Eta { get; init; } = 1e-3;

    /// <summary>The probability of an arm drawn without regard to the weights, epsilon.</summary>
    public double Epsilon { get; init; } = 0.05;

    /// <summary>What every arm's reward gets on top, beta.</summary>
    public double Beta { get; init; }

    /// <summary>How many past gains are kept, as a sample of all.</summary>
    public int Reservoir { get; init; } = 1000;

    /// <inheritdoc/>
    public override bool NeedsOneLength => true;

    /// <inheritdoc/>
    public override bool WantsGain => true;

    /// <inheritdoc/>
    public override CurriculumState Start(LengthRange range) =>
        new() { Weights = new double[Math.Min(Arms, Lengths(range))] };

    /// <inheritdoc/>
    public override int Draw(LengthRange range, CurriculumState state, double progress, RandomStream random)
    {
        var chances = Chances(state.Weights);
        var left = random.NextDouble();
        var arm = 0;
        while (arm < chances.Length - 1 && left >= chances[arm])
        {
            left -= chances[arm++];
        }

        return new LengthRange(First(range, arm, chances.Length), First(range, arm + 1, chances.Length) - 1).Draw(random);
    }

    /// <inheritdoc/>
    public override CurriculumState Observe(LengthRange range, CurriculumState state, BatchOutcome outcome)
    {
        var gain = (outcome.Loss - outcome.LossAfter) / outcome.Length;
        return state with
        {
            Batches = state.Batches + 1,
            Weights = Weigh(state, ArmOf(range, outcome.Length, state.Weights.Count), Reward(state.Gains, gain)),
            Gains = double.IsFinite(gain) ? Keep(state, gain) : state.Gains,
        };
    }

    /// <inheritdoc/>
    public override void Validate(LengthRange range)
    {
        Require.AtLeast("training.curriculum.arms", Arms, 2);
        Require.Positive("training.curriculum.eta", Eta);
        Require.Positive("training.curriculum.epsilon", Epsilon);
        Require.Share("training.curriculum.epsilon", Epsilon);
        Require.Finite("training.curriculum.beta", Beta);
        Require.AtLeast("training.curriculum.reservoir", Reservoir, 2);
    }

    private double[] Chances(IReadOnlyList<double> weights)
    {
        var greatest = weights.Max();
        double[] chances = [.. weights.Select(weight => Math.Exp(weight - greatest))];
        var sum = chances.Sum();
        return Array.ConvertAll(chances, chance => ((1 - Epsilon) * chance / sum) + (Epsilon / chances.Length));
    }

    /// <summary>The reward of a gain, from -1 to 1; a gain that is no finite number, of a step that ruined the loss, is the worst.</summary>
    private static double Reward(IReadOnlyList<double> past, double gain)
    {
        if (!double.IsFinite(gain))
        {
            return -1;
        }

        if (past.Count == 0)
        {
            return 0;
        }

        var (low, high) = (Percentile(past, 20), Percentile(past, 80));
        return gain < low ? -1
            : gain >= high ? 1
            : (2 * (gain - low) / (high - low)) - 1;
    }

    /// <summary>The least value that so many percent of all do not exceed (nearest rank).</summary>
    private static double Percentile(IReadOnlyList<double> ascending, int percent) =>
        ascending[(((ascending.Count * percent) + 99) / 100) - 1];

    private double[] Weigh(CurriculumState state, int chosen, double reward)
    {
        var arms = state.Weights.Count;
        if (arms == 1)
        {
            return [.. state.Weights];
        }

        var alpha = 1.0 / (state.Batches + 2);
        var chances = Chances(state.Weights);
        double[] raised =
            [.. state.Weights.Select((weight, arm) => weight + (Eta * ((arm == chosen ? reward : 0) + Beta) / chances[arm]))];

        // Weights may grow without end; their differences are all that counts, and do not overflow.
        var greatest = raised.Max();
        var powers = Array.ConvertAll(raised, weight => Math.Exp(weight - greatest));
        var sum = powers.Sum();
        return Array.ConvertAll(
            powers, power => greatest + Math.Log(((1 - alpha) * power) + (alpha / (arms - 1) * (sum - power))));
    }

    /// <summary>
    /// The sample with one more gain: when it is full, a gain takes the place of a random one with probability size / t (Vitter
    /// 1985, algorithm R). The random numbers follow from the batch and its gain, so that resuming is exact.
    /// </summary>
    private double[] Keep(CurriculumState state, double gain)
    {
        List<double> sample = [.. state.Gains];
        if (sample.Count == Reservoir)
        {
            var random = new RandomStream(BitConverter.DoubleToUInt64Bits(gain), "reservoir", (ulong)state.Batches);
            var place = random.NextInt64(state.Batches + 1);
            if (place >= Reservoir)
            {
                return [.. sample];
            }

            sample.RemoveAt((int)place);
        }

        var found = sample.BinarySearch(gain);
        sample.Insert(found < 0 ? ~found : found, gain);
        return [.. sample];
    }

    private static int Lengths(LengthRange range) => range.Longest - range.Shortest + 1;

    private static int First(LengthRange range, int arm, int arms) =>
        range.Shortest + (int)((long)arm * Lengths(range) / arms);

    private static int ArmOf(LengthRange range, int length, int arms) =>
        (int)(((((long)length - range.Shortest + 1) * arms) - 1) / Lengths(range));
}

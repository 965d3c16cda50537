namespace NtmLab.Interchange;

/// <summary>The score at one length, as a row of a table.</summary>
/// <param name="Sequences">Sequences trained when it was taken.</param>
/// <param name="Length">The length, in the task's own measure.</param>
/// <param name="Score">The task's score, averaged over the sequences.</param>
/// <param name="PerfectFraction">The fraction of perfect sequences.</param>
/// <param name="SlotsUsed">Slots of memory in use at the end of a sequence, on average; null where the model does not tell.</param>
/// <param name="Final">Whether it is of the evaluation after the training, which has more sequences and may have other lengths.</param>
internal sealed record ScoreRow(
    long Sequences, int Length, double Score, double PerfectFraction, double? SlotsUsed, bool Final);

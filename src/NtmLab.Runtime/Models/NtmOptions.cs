using NtmLab.Configuration;
using NtmLab.Memory;

namespace NtmLab.Models;

/// <summary>
/// Configuration of a Neural Turing Machine: a <see cref="MemoryModel"/> with an <see cref="NtmPolicy"/>. The defaults are
/// the paper's copy task (Graves, Wayne, Danihelka 2014, table 2).
/// </summary>
[CatalogName("ntm", "Neural Turing Machine: a controller with an addressable memory (Graves et al. 2014).")]
public sealed record NtmOptions : MemoryModelOptions
{
    /// <summary>ln 2: softplus of 0.</summary>
    public const double NeutralKeyStrength = 0.6931471805599453;

    /// <summary>The number of write heads.</summary>
    public int WriteHeads { get; init; } = 1;

    /// <summary>The number of shifts a head can make in one step; odd: 3 means one back, stay, one on.</summary>
    public int ShiftWidth { get; init; } = 3;

    /// <summary>
    /// The key strength that heads start with, about: their bias is set so. The default is that of a bias of 0, with which a head
    /// at first hardly tells slots apart by content; with slots of different content (<c>initialSpread</c>) 5 to 10 gives it a focus
    /// from the first step.
    /// </summary>
    public double InitialKeyStrength { get; init; } = NeutralKeyStrength;

    /// <summary>
    /// What every nat of entropy of a head's weighting costs in each step, in the unit of the loss: with a price, training has heads
    /// focus at all times. 0: nothing. <c>training.priceWarmUp</c> lets it rise slowly.
    /// </summary>
    public double EntropyPrice { get; init; }

    /// <summary>
    /// What a whole write costs in each step, in the unit of the loss: the mean of erase vector and squared add vector counts, so that
    /// training has heads write only what is of use. 0: nothing. <c>training.priceWarmUp</c> lets it rise slowly.
    /// </summary>
    public double WritePrice { get; init; }

    /// <summary>
    /// Whether, in evaluation, every head is on one slot alone: that of the greatest weight after sharpening. Nothing can then blur
    /// from step to step, and a step costs what it touches. Training is as ever.
    /// </summary>
    public bool Discretise { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Require.NotNegative("model.entropyPrice", EntropyPrice);
        Require.NotNegative("model.writePrice", WritePrice);
        Require.Positive("model.initialKeyStrength", InitialKeyStrength);
        Require.AtLeast("model.writeHeads", WriteHeads, 1);
        Require.Odd("model.shiftWidth", ShiftWidth);
        Require.AtMostSlots("model.shiftWidth", ShiftWidth, Slots);
    }

    /// <inheritdoc/>
    protected override MemoryPolicy Policy(int inputWidth) =>
        new NtmPolicy(Width, ReadHeads, WriteHeads, ShiftWidth, InitialKeyStrength)
        {
            EntropyPrice = EntropyPrice,
            WritePrice = WritePrice,
            Discretise = Discretise,
        };
}

using System.Runtime.CompilerServices;
using NtmLab.Configuration;
using static TorchSharp.torch;

namespace NtmLab.Tasks;

/// <summary>
/// Sequential digits (Le, Jaitly, Hinton 2015, "A simple way to initialize recurrent networks of rectified linear units", section
/// 4.2): see the pixels of an image one at a time, row by row or in an order that is random but always the same, and name the digit
/// at the last one. With images of 2 x 2 pixels:
/// <code>
/// input   pixel  .2 .9 .1 .5        target  digit  . . . 7
///                                   mask           . . . 1
/// </code>
/// The images are the user's own IDX files, such as MNIST's. Training goes through all of them, in another random order each time.
/// The task's length is the number of pixels seen: the first ones of the order. Score: the fraction of wrong digits.
/// </summary>
[CatalogName("digits", "Name a digit whose pixels pass one at a time, from your own IDX files (Le et al. 2015).")]
public sealed record DigitsTask : SequenceTask
{
    // Not a field: a copy with other options must read its own files.
    private static readonly ConditionalWeakTable<DigitsTask, DigitImages> Read = [];

    /// <summary>The file of the images to train on, in the IDX format, plain or packed by gzip.</summary>
    public string Images { get; init; } = "";

    /// <summary>The file of their labels.</summary>
    public string Labels { get; init; } = "";

    /// <summary>The file of the images kept from training; empty: a part of the others is.</summary>
    public string TestImages { get; init; } = "";

    /// <summary>The file of their labels.</summary>
    public string TestLabels { get; init; } = "";

    /// <summary>The number of classes: labels are 0 to one less.</summary>
    public int Classes { get; init; } = 10;

    /// <summary>The fraction of the images that is kept from training, where no file holds such images.</summary>
    public double Validation { get; init; } = 0.1;

    /// <summary>Decides which images these are.</summary>
    public ulong SplitSeed { get; init; } = 1;

    /// <summary>Whether the pixels pass in a random order, the same for all images.</summary>
    public bool Permuted { get; init; }

    /// <summary>Decides this order.</summary>
    public ulong PermutationSeed { get; init; } = 1;

    /// <inheritdoc/>
    public override int InputWidth() => 1;

    /// <inheritdoc/>
    public override string InputName(int channel) => "pixel";

    /// <inheritdoc/>
    public override int OutputWidth() => Classes;

    /// <inheritdoc/>
    public override TaskOutput Output() => new TokenOutput(Classes);

    /// <inheritdoc/>
    public override string ScoreName() => "wrong digits";

    /// <inheritdoc/>
    public override LengthRange Possible() => new(1, Data().Pixels);

    /// <inheritdoc/>
    /// <exception cref="DataException">A file is missing or malformed.</exception>
    public override LengthRange Lengths() => new(Data().Pixels, Data().Pixels);

    /// <inheritdoc/>
    /// <remarks>It knows how frequent each digit is among the images to train on.</remarks>
    public override TaskReference Baseline(int length)
    {
        var frequencies = Data().Frequencies;
        return new(frequencies.Sum(p => p > 0 ? -p * Math.Log2(p) : 0), 1 - frequencies.Max());
    }

    /// <inheritdoc/>
    /// <exception cref="DataException">A file is missing, malformed or holds something else than images and labels.</exception>
    public override void Validate()
    {
        RequireOptions();
        Data();
    }

    /// <inheritdoc/>
    public override SequenceBatch Generate(RandomStream random, int batch, int length) =>
        Fill(isHeldOut: false, FiniteData.Draw(random, batch, Data().TrainingCount), length);

    /// <inheritdoc/>
    public override SequenceBatch Generate(BatchRequest request) =>
        Fill(request.HeldOut, FiniteData.Choose(request, Data().TrainingCount, Data().HeldOutCount), request.Length);

    /// <inheritdoc/>
    public override float[] Score(Tensor logits, SequenceBatch batch) => new TokenOutput(Classes).WrongFraction(logits, batch);

    private DigitImages Data() => Read.GetValue(this, task =>
    {
        task.RequireOptions();
        return new DigitImages(task);
    });

    private SequenceBatch Fill(bool isHeldOut, long[] chosen, int length)
    {
        RequireLength("pixels", length);
        var canvas = NewCanvas(chosen.Length, length, targetWidth: 1);
        for (var sequence = 0; sequence < chosen.Length; sequence++)
        {
            var digit = Data().Copy(isHeldOut, chosen[sequence], canvas.Inputs(sequence));
            canvas.Want(sequence, length - 1)[0] = digit;
        }

        return canvas.ToTokenBatch(length);
    }

    private void RequireOptions()
    {
        Require.AtLeast("task.classes", Classes, 2);
        Require.Within("task.validation", Validation, 0, 1);
        RequireFile("task.images", Images, "an IDX file of images");
        RequireFile("task.labels", Labels, "an IDX file of labels");
        if (TestImages.Length > 0 || TestLabels.Length > 0)
        {
            RequireFile("task.testImages", TestImages, "an IDX file of images");
            RequireFile("task.testLabels", TestLabels, "an IDX file of labels");
        }
    }

    private static void RequireFile(string option, string path, string wanted)
    {
        if (path.Length == 0)
        {
            throw new ConfigurationException($"{option}: is empty; {wanted} is wanted.");
        }
    }
}

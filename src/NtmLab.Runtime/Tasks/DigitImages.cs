using NtmLab.Data;

namespace NtmLab.Tasks;

/// <summary>The images of a <see cref="DigitsTask"/> with their labels, in the order in which they are used.</summary>
internal sealed class DigitImages
{
    private const float Brightest = 255;

    private readonly (IdxFile Images, int[] Labels) _training;
    private readonly (IdxFile Images, int[] Labels) _heldOut;
    private readonly int[] _trainingItems;
    private readonly int[] _heldOutItems;
    private readonly int[] _pixels;

    /// <summary>Reads the files of a task.</summary>
    /// <exception cref="DataException">A file is missing, malformed or holds something else than images and labels.</exception>
    public DigitImages(DigitsTask task)
    {
        _training = Read(task.Images, task.Labels, task.Classes);
        if (task.TestImages.Length > 0)
        {
            _heldOut = Read(task.TestImages, task.TestLabels, task.Classes);
            if (_heldOut.Images.ItemLength != _training.Images.ItemLength)
            {
                throw DataFile.Fault(
                    task.TestImages,
                    $"has {_heldOut.Images.ItemLength} pixels in each image, and '{task.Images}' {_training.Images.ItemLength}; as many are wanted");
            }

            _trainingItems = Indices(_training.Images.Count);
            _heldOutItems = Indices(_heldOut.Images.Count);
        }
        else
        {
            _heldOut = _training;
            (_trainingItems, _heldOutItems) = Split(task);
        }

        _pixels = Indices(_training.Images.ItemLength);
        if (task.Permuted)
        {
            Shuffle(_pixels, new RandomStream(task.PermutationSeed, "pixels"));
        }

        Frequencies = new double[task.Classes];
        foreach (var item in _trainingItems)
        {
            Frequencies[_training.Labels[item]] += 1.0 / _trainingItems.Length;
        }
    }

    /// <summary>Pixels of an image.</summary>
    public int Pixels => _pixels.Length;

    /// <summary>The number of images to train on.</summary>
    public int TrainingCount => _trainingItems.Length;

    /// <summary>The number of images kept from training.</summary>
    public int HeldOutCount => _heldOutItems.Length;

    /// <summary>The fraction of each class among the images to train on.</summary>
    public double[] Frequencies { get; }

    /// <summary>Copies the first pixels of an image in the task's order, from 0 to 1.</summary>
    /// <param name="isHeldOut">Whether it is one of those that were kept from training.</param>
    /// <param name="index">Which of them, from 0.</param>
    /// <param name="destination">Room for the pixels that are wanted.</param>
    /// <returns>Its class.</returns>
    public int Copy(bool isHeldOut, long index, Span<float> destination)
    {
        var (images, labels) = isHeldOut ? _heldOut : _training;
        var item = (isHeldOut ? _heldOutItems : _trainingItems)[index];
        var image = new float[Pixels];
        images.CopyItem(item, image);
        for (var i = 0; i < destination.Length; i++)
        {
            destination[i] = image[_pixels[i]] / Brightest;
        }

        return labels[item];
    }

    private static (IdxFile Images, int[] Labels) Read(string imagesPath, string labelsPath, int classes)
    {
        var (images, labels) = IdxFile.ReadLabelled(imagesPath, labelsPath);
        if (images.Type != IdxType.UnsignedByte || images.Dimensions.Count < 2)
        {
            throw DataFile.Fault(imagesPath, "holds no images; two or more dimensions of unsigned bytes are wanted");
        }

        var classOf = new int[labels.Count];
        Span<float> label = stackalloc float[1];
        for (var item = 0; item < labels.Count; item++)
        {
            labels.CopyItem(item, label);
            classOf[item] = label[0] >= 0 && label[0] < classes && label[0] == MathF.Floor(label[0])
                ? (int)label[0]
                : throw DataFile.Fault(labelsPath, $"label {item + 1}: {label[0]} is not allowed; 0 to {classes - 1} is");
        }

        return (images, classOf);
    }

    private static int[] Indices(int count) => [.. Enumerable.Range(0, count)];

    /// <summary>Brings items to a random order, each equally likely (Fisher and Yates 1938).</summary>
    private static void Shuffle(int[] items, RandomStream random)
    {
        for (var i = 0; i < items.Length - 1; i++)
        {
            var place = random.Next(i, items.Length);
            (items[i], items[place]) = (items[place], items[i]);
        }
    }

    private (int[] Training, int[] HeldOut) Split(DigitsTask task)
    {
        var items = Indices(_training.Images.Count);
        if (items.Length < 2)
        {
            throw DataFile.Fault(task.Images, "holds one image; two or more are wanted, to train on and to validate on");
        }

        Shuffle(items, new RandomStream(task.SplitSeed, "validation"));
        var kept = (int)Math.Clamp(Math.Round(task.Validation * items.Length), 1, items.Length - 1);
        return (items[kept..], items[..kept]);
    }
}

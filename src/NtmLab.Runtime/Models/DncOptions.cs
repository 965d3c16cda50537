using NtmLab.Configuration;
using NtmLab.Memory;

namespace NtmLab.Models;

/// <summary>
/// Configuration of a Differentiable Neural Computer: a <see cref="MemoryModel"/> with a <see cref="DncPolicy"/>. As in the paper
/// (Graves et al. 2016, Nature 538) there is one write head and the memory starts at zero; the first reads, zero in the paper,
/// are trained. The last three options are Csordas and Schmidhuber's improvements (2019, arXiv 1904.10278).
/// </summary>
[CatalogName("dnc", "Differentiable Neural Computer: memory with allocation and temporal links (Graves et al. 2016).")]
public sealed record DncOptions : MemoryModelOptions
{
    /// <summary>Makes the defaults: four read heads, as in the paper's question answering, and an empty memory.</summary>
    public DncOptions()
    {
        ReadHeads = 4;
        InitialMemory = 0;
    }

    /// <summary>
    /// Whether the order of writes is kept, one value for each pair of slots; without it the read heads find content only.
    /// </summary>
    public bool Links { get; init; } = true;

    /// <summary>Whether each head has a mask that says which part of a slot is compared with its key.</summary>
    public bool MaskContent { get; init; }

    /// <summary>Whether a slot that is set free is erased too.</summary>
    public bool Deallocate { get; init; }

    /// <summary>Whether each read head sharpens where the links lead it.</summary>
    public bool SharpenLinks { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        if (SharpenLinks && !Links)
        {
            throw new ConfigurationException(
                "model.sharpenLinks: true is not allowed without links; false is, or true with model.links.");
        }
    }

    /// <inheritdoc/>
    protected override MemoryPolicy Policy(int inputWidth) => new DncPolicy(this);
}

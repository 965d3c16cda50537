using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Interchange;

/// <summary>
/// The names and shapes that a model's tensors have in a file for other programs. By default those of the model itself; recurrent
/// models, which PyTorch has too, are laid out as PyTorch has them: <see cref="RecurrentLayout"/>.
/// </summary>
public class WeightsLayout
{
    /// <summary>The layout of a model.</summary>
    /// <param name="options">The model's options; null where only a script knows them.</param>
    public static WeightsLayout Of(ModelOptions? options) =>
        options is RecurrentModelOptions { LayerNorm: false } recurrent && (!recurrent.Skip || recurrent.Layers == 1)
            ? new RecurrentLayout(recurrent)
            : new WeightsLayout();

    /// <summary>From the model's own tensors to those of a file, in the order of the file.</summary>
    /// <param name="own">The model's tensors by their dotted names.</param>
    public virtual IReadOnlyList<(string Name, Tensor Value)> ToFile(IReadOnlyList<(string Name, Tensor Value)> own) => own;

    /// <summary>From the tensors of a file to the model's own.</summary>
    /// <param name="file">The tensors of the file: those that <see cref="ToFile"/> names, of the same shapes.</param>
    /// <param name="own">Tensors of a model of the same shape, for their names, their order, and what a file does not hold.</param>
    public virtual IReadOnlyList<(string Name, Tensor Value)> FromFile(
        IReadOnlyDictionary<string, Tensor> file, IReadOnlyList<(string Name, Tensor Value)> own) =>
        [.. own.Select(named => (named.Name, file[named.Name]))];
}

using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Interchange;

/// <summary>
/// The layout of <c>torch.nn.RNN</c>, <c>GRU</c> or <c>LSTM</c> under <c>layers</c> with an <c>nn.Linear</c> under <c>output</c>,
/// for layers k = 0, 1, ... with gates in PyTorch's order (RNN: one; GRU: r, z, n; LSTM: i, f, g, o):
/// <code>
/// layers.weight_ih_lk   [gates units, width below]
/// layers.weight_hh_lk   [gates units, units]
/// layers.bias_ih_lk     [gates units]       ours
/// layers.bias_hh_lk     [gates units]       zeros; GRU: 0, 0, candidate bias
/// output.weight         [out, units]
/// output.bias           [out]
/// initial_hidden        [layers, 1, units]  where the first state is trained: PyTorch's h_0, for any batch
/// initial_cell          [layers, 1, units]  the same of an LSTM: c_0
/// embedding.weight      [tokens, width]     of models of tokens with an embedding: nn.Embedding
/// </code>
/// PyTorch adds both biases, so a file's are added up; only the candidate of a GRU needs them apart.
/// </summary>
/// <param name="options">The layers: without layer normalisation and skip connections.</param>
internal sealed class RecurrentLayout(RecurrentModelOptions options) : WeightsLayout
{
    /// <summary>Where a model of tokens has the layers.</summary>
    private const string InnerPrefix = "inner.";

    private const string Embedding = "embedding";
    private const string EmbeddingInFile = "embedding.weight";

    private readonly bool _isGru = options is GruOptions;

    /// <summary>Names that stay what they are but for their form: ours, with the layer's number to come, and PyTorch's.</summary>
    private static readonly (string Own, string File)[] Same =
    [
        ("layers.input_weight_", "layers.weight_ih_l"),
        ("layers.hidden_weight_", "layers.weight_hh_l"),
    ];

    private static readonly (string Own, string File)[] Output =
        [("output_weight", "output.weight"), ("output_bias", "output.bias")];

    private static readonly string[] FirstStates = ["initial_hidden", "initial_cell"];

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Tensor Value)> ToFile(IReadOnlyList<(string Name, Tensor Value)> own)
    {
        var tensors = own.ToDictionary(named => WithoutPrefix(named.Name), named => named.Value);
        var file = new List<(string, Tensor)>();
        if (tensors.TryGetValue(Embedding, out var embedding))
        {
            file.Add((EmbeddingInFile, embedding));
        }

        for (var layer = 0; layer < options.Layers; layer++)
        {
            file.AddRange(Same.Select(name => ($"{name.File}{layer}", tensors[$"{name.Own}{layer}"])));
            var bias = tensors[$"layers.bias_{layer}"];
            file.Add(($"layers.bias_ih_l{layer}", bias));
            file.Add(($"layers.bias_hh_l{layer}", _isGru
                ? cat([zeros(2 * options.Units), tensors[$"layers.candidate_bias_{layer}"]])
                : zeros_like(bias)));
        }

        file.AddRange(Output.Select(name => (name.File, tensors[name.Own])));
        if (options.FirstState == FirstState.Trained)
        {
            file.AddRange(FirstStates
                .Where(name => tensors.ContainsKey($"layers.{name}_0"))
                .Select(name => (name, stack(EachLayer(layer => tensors[$"layers.{name}_{layer}"])).unsqueeze(1))));
        }

        return file;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Tensor Value)> FromFile(
        IReadOnlyDictionary<string, Tensor> file, IReadOnlyList<(string Name, Tensor Value)> own)
    {
        var tensors = Output.ToDictionary(name => name.Own, name => file[name.File]);
        if (file.TryGetValue(EmbeddingInFile, out var embedding))
        {
            tensors[Embedding] = embedding;
        }

        for (var layer = 0; layer < options.Layers; layer++)
        {
            foreach (var name in Same)
            {
                tensors[$"{name.Own}{layer}"] = file[$"{name.File}{layer}"];
            }

            var (input, hidden) = (file[$"layers.bias_ih_l{layer}"], file[$"layers.bias_hh_l{layer}"]);
            if (_isGru)
            {
                tensors[$"layers.bias_{layer}"] = cat([Gates(input) + Gates(hidden), Candidate(input)]);
                tensors[$"layers.candidate_bias_{layer}"] = Candidate(hidden);
            }
            else
            {
                tensors[$"layers.bias_{layer}"] = input + hidden;
            }

            foreach (var name in FirstStates.Where(file.ContainsKey))
            {
                tensors[$"layers.{name}_{layer}"] = file[name][layer].squeeze(0);
            }
        }

        return [.. own.Select(named => (named.Name, tensors.GetValueOrDefault(WithoutPrefix(named.Name), named.Value)))];
    }

    private static string WithoutPrefix(string name) =>
        name.StartsWith(InnerPrefix, StringComparison.Ordinal) ? name[InnerPrefix.Length..] : name;

    private Tensor[] EachLayer(Func<int, Tensor> layer) => [.. Enumerable.Range(0, options.Layers).Select(layer)];

    /// <summary>What a GRU's reset and update gates have of a bias, <c>[2 units]</c>.</summary>
    private Tensor Gates(Tensor bias) => bias.narrow(0, 0, 2 * options.Units);

    /// <summary>What a GRU's candidate has of a bias, <c>[units]</c>.</summary>
    private Tensor Candidate(Tensor bias) => bias.narrow(0, 2 * options.Units, options.Units);
}

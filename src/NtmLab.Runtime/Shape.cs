using TorchSharp;

namespace NtmLab;

/// <summary>Checks tensor shapes and says, in one sentence, which argument was wrong, what it was and what is wanted.</summary>
public static class Shape
{
    /// <summary>A dimension of any size.</summary>
    public const long Any = -1;

    /// <summary>Requires <paramref name="tensor"/> to have the shape <paramref name="wanted"/>.</summary>
    /// <param name="owner">Who asks, for the message: a model or policy name.</param>
    /// <param name="argument">The argument's name with its meaning, e.g. <c>input [batch, time, feature]</c>.</param>
    /// <param name="tensor">The tensor to check.</param>
    /// <param name="wanted">The size of each dimension; <see cref="Any"/> accepts all sizes.</param>
    /// <returns>The tensor itself.</returns>
    /// <exception cref="ShapeException">The shape differs.</exception>
    public static torch.Tensor Require(string owner, string argument, torch.Tensor tensor, params ReadOnlySpan<long> wanted)
    {
        var shape = tensor.shape;
        var fits = shape.Length == wanted.Length;
        for (var i = 0; fits && i < wanted.Length; i++)
        {
            fits = wanted[i] == Any || wanted[i] == shape[i];
        }

        return fits
            ? tensor
            : throw new ShapeException($"{owner}: {argument} has shape {Text(shape)}; {Text(wanted)} is wanted.");
    }

    /// <summary>A shape as text, e.g. <c>[4, any]</c>.</summary>
    internal static string Text(ReadOnlySpan<long> shape)
    {
        var parts = new string[shape.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            parts[i] = shape[i] == Any ? "any" : shape[i].ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        return $"[{string.Join(", ", parts)}]";
    }
}

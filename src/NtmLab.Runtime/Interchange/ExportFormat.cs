namespace NtmLab.Interchange;

/// <summary>What other programs read: weights of a model, or the numbers of a training.</summary>
public enum ExportFormat
{
    /// <summary>Weights as a <c>state_dict</c>, which <c>torch.load</c> reads.</summary>
    Pytorch,

    /// <summary>Weights as safetensors.</summary>
    Safetensors,

    /// <summary>Metrics and evaluations as Parquet tables.</summary>
    Parquet,

    /// <summary>Metrics and evaluations as text with commas (RFC 4180).</summary>
    Csv,

    /// <summary>Metrics and evaluations as scalars that TensorBoard shows.</summary>
    Tensorboard,
}

namespace NtmLab.Models;

/// <summary>A model's configuration: a record that can be written, read back, overridden by path, and built.</summary>
public abstract record ModelOptions
{
    /// <summary>Builds the model with freshly drawn parameters.</summary>
    /// <param name="inputWidth">Features of the input in each step.</param>
    /// <param name="outputWidth">Logits in each step.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public abstract SequenceModel Build(int inputWidth, int outputWidth, RandomStream random);

    /// <summary>Checks every option.</summary>
    /// <exception cref="ConfigurationException">An option is out of range; the message names it, its value and the range.</exception>
    public abstract void Validate();
}

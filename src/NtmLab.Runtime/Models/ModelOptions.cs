using NtmLab.Tasks;

namespace NtmLab.Models;

/// <summary>A model's configuration: a record that can be written, read back, overridden by path, and built.</summary>
public abstract record ModelOptions
{
    /// <summary>
    /// On tasks of tokens: the width of a trained vector per token that the model is given as input; 0 for a vector with a 1 in the
    /// token's own place.
    /// </summary>
    public int Embedding { get; init; }

    /// <summary>Builds the model for a task with freshly drawn parameters; where inputs are tokens, as a <see cref="TokenModel"/>.</summary>
    /// <param name="task">The task.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    /// <exception cref="ConfigurationException">An option is out of range, or does not fit the task.</exception>
    public SequenceModel Build(SequenceTask task, RandomStream random)
    {
        Require.AtLeast("model.embedding", Embedding, 0);
        if (task.InputTokens() > 0)
        {
            return new TokenModel(this, task.InputTokens(), task.OutputWidth(), random);
        }

        return Embedding == 0
            ? Build(task.InputWidth(), task.OutputWidth(), random)
            : throw new ConfigurationException(
                $"model.embedding: {Embedding} is not allowed for a task whose inputs are vectors, not tokens; 0 is.");
    }

    /// <summary>Builds the model with freshly drawn parameters.</summary>
    /// <param name="inputWidth">Features of the input in each step.</param>
    /// <param name="outputWidth">Logits in each step.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public abstract SequenceModel Build(int inputWidth, int outputWidth, RandomStream random);

    /// <summary>The model with those parts that are no options, as a script describes them; by default there are none.</summary>
    /// <param name="described">The model of the script that this one was written down from.</param>
    public virtual ModelOptions As(ModelOptions described) => this;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ConfigurationException">An option is out of range; the message names it, its value and the range.</exception>
    public abstract void Validate();
}

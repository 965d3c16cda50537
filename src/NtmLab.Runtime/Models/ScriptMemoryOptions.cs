using System.Text.Json.Serialization;
using NtmLab.Memory;

namespace NtmLab.Models;

/// <summary>Configuration of a <see cref="MemoryModel"/> whose policy a script defines itself, by a <see cref="PolicyRule"/>.</summary>
public sealed record ScriptMemoryOptions : MemoryModelOptions
{
    /// <summary>What the policy decides; not part of what is written down, since the script says it.</summary>
    [JsonIgnore]
    public PolicyRule? Rule { get; init; }

    /// <inheritdoc/>
    public override ModelOptions As(ModelOptions described) =>
        described is ScriptMemoryOptions script ? this with { Rule = script.Rule } : this;

    /// <inheritdoc/>
    protected override MemoryPolicy Policy(int inputWidth) => new ScriptPolicy(
        Rule ?? throw new ConfigurationException("model.rule: is missing; the script must give one."), Width, ReadHeads);
}

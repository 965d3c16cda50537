using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>A policy that a script defines, by a <see cref="PolicyRule"/>.</summary>
public sealed class ScriptPolicy : MemoryPolicy
{
    private readonly PolicyRule _rule;
    private readonly InterfaceLayout _layout = new();

    /// <summary>Makes the policy.</summary>
    /// <param name="rule">What it decides.</param>
    /// <param name="width">The width M of a slot.</param>
    /// <param name="readHeads">The number of vectors read in each step.</param>
    /// <exception cref="ConfigurationException">The rule has no proper name, writes nothing, or wants nothing of the controller.</exception>
    public ScriptPolicy(PolicyRule rule, int width, int readHeads)
        : base(NameOf(rule), width, readHeads, rule.WriteHeads)
    {
        Require.AtLeast($"policy '{rule.Name}': writeHeads", rule.WriteHeads, 1);
        _rule = rule;
        rule.Interface(_layout, width, readHeads);
        Require.AtLeast($"policy '{rule.Name}': values of the interface", _layout.Size, 1);
    }

    /// <inheritdoc/>
    public override int InterfaceSize => _layout.Size;

    /// <inheritdoc/>
    public override bool Grows => _rule.Grows;

    /// <inheritdoc/>
    public override bool HasPrice => _rule.HasPrice;

    /// <inheritdoc/>
    public override bool CountsSlots => OfFirstState(1, state => state.Names.Contains(NamedState.StrengthName));

    /// <inheritdoc/>
    public override long StateSize(int slots) => OfFirstState(slots, state => state.Tensors.Sum(part => part.numel()));

    /// <summary>An estimate, as a script's arithmetic is not known: similarities for each read, and the slot norms.</summary>
    /// <param name="slots">The number of slots.</param>
    public override long MultiplyAddsPerStep(int slots) => (long)slots * Width * (ReadHeads + 1);

    /// <inheritdoc/>
    public override void StartBias(Span<float> bias)
    {
        foreach (var (part, value) in _rule.StartBias)
        {
            if (!_layout.Names.Contains(part))
            {
                throw new ConfigurationException(
                    $"policy '{GetName()}': StartBias: there is no part '{part}'; the interface has {Listed(_layout.Names)}.");
            }

            _layout.Part(part, bias).Fill((float)value);
        }
    }

    /// <inheritdoc/>
    public override PolicyState Start(Tensor memory) => _rule.Start(memory) ?? throw Missing("Start", "state");

    /// <inheritdoc/>
    public override PolicyState Observe(Tensor input, PolicyState state) =>
        Like(_rule.Observe(input, (NamedState)state), state, "Observe");

    /// <inheritdoc/>
    public override (WriteDecision Decision, PolicyState State) Write(Tensor memory, Tensor interfaceValues, PolicyState state)
    {
        var (decision, next) = _rule.Write(memory, _layout.Split(GetName(), interfaceValues), (NamedState)state);
        return (decision ?? throw Missing("Write", "decision"), Like(next, state, "Write"));
    }

    /// <inheritdoc/>
    public override (ReadDecision Decision, PolicyState State) Read(Tensor memory, Tensor interfaceValues, PolicyState state)
    {
        var (decision, next) = _rule.Read(memory, _layout.Split(GetName(), interfaceValues), (NamedState)state);
        return (decision ?? throw Missing("Read", "decision"), Like(next, state, "Read"));
    }

    private static string NameOf(PolicyRule rule) =>
        rule.Name is { Length: > 0 } name && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')
            ? name
            : throw new ConfigurationException(
                $"model.rule: a policy named '{rule.Name}' is not allowed; lower case letters, digits and hyphens are.");

    private T OfFirstState<T>(int slots, Func<NamedState, T> question)
    {
        using var scope = NewDisposeScope();
        return question((NamedState)Start(zeros(1, slots, Width)));
    }

    /// <summary>Requires a state of the same tensors as before; those of a memory that grows may grow.</summary>
    private NamedState Like(NamedState? next, PolicyState before, string method)
    {
        var last = (NamedState)before;
        if (next is null)
        {
            throw Missing(method, "state");
        }

        if (!next.Names.SequenceEqual(last.Names))
        {
            throw new ShapeException(
                $"policy '{GetName()}': {method}: the state holds {Listed(next.Names)}; {Listed(last.Names)}, as before, is wanted.");
        }

        foreach (var (name, value, known) in next.Names.Zip(next.Tensors, last.Tensors))
        {
            if (value is null)
            {
                throw new ShapeException($"policy '{GetName()}': {method}: state '{name}' is missing.");
            }

            if (!Grows)
            {
                Shape.Require($"policy '{GetName()}'", $"{method}: state '{name}'", value, known.shape);
            }
        }

        return next;
    }

    private ShapeException Missing(string method, string what) => new($"policy '{GetName()}': {method} returned no {what}.");

    private static string Listed(IEnumerable<string> names) => string.Join(", ", names.DefaultIfEmpty("nothing"));
}

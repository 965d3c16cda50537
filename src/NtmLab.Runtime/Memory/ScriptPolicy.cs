using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>A policy that a script defines, by a <see cref="PolicyRule"/>.</summary>
public sealed class ScriptPolicy : MemoryPolicy
{
    private readonly PolicyRule _rule;
    private readonly InterfaceLayout _layout = new();

    /// <summary>How messages name the policy.</summary>
    private string Owner => $"policy '{GetName()}'";

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
                    $"{Owner}: StartBias: there is no part '{part}'; the interface has {Listed(_layout.Names)}.");
            }

            _layout.Part(part, bias).Fill((float)value);
        }
    }

    /// <inheritdoc/>
    public override PolicyState Start(Tensor memory)
    {
        var state = _rule.Start(memory) ?? throw Missing("Start", "state");
        foreach (var (name, value) in state.Names.Zip(state.Tensors))
        {
            Present(name, value, "Start");
            RequireShape($"Start: state '{name}'", value, [memory.shape[0], .. Enumerable.Repeat(Shape.Any, Math.Max(0, value.shape.Length - 1))]);
            if (value.is_floating_point())
            {
                RequireType($"Start: state '{name}'", value, memory.dtype, "as the memory");
            }
        }

        if (HasPrice != state.Price is not null)
        {
            throw new ConfigurationException(
                $"{Owner}: HasPrice is {(HasPrice ? "true" : "false")}, but the state {(HasPrice ? "has no" : "has a")} '{NamedState.PriceName}'.");
        }

        if (state.Price is { } price)
        {
            RequireShape($"Start: state '{NamedState.PriceName}' [batch]", price, [memory.shape[0]]);
        }

        return state;
    }

    /// <inheritdoc/>
    public override PolicyState Observe(Tensor input, PolicyState state) =>
        Like(_rule.Observe(input, (NamedState)state), state, "Observe");

    /// <inheritdoc/>
    public override (WriteDecision Decision, PolicyState State) Write(Tensor memory, Tensor interfaceValues, PolicyState state)
    {
        var (decision, next) = _rule.Write(memory, _layout.Split(Owner, interfaceValues), (NamedState)state);
        return (decision ?? throw Missing("Write", "decision"), Like(next, state, "Write"));
    }

    /// <inheritdoc/>
    public override (ReadDecision Decision, PolicyState State) Read(Tensor memory, Tensor interfaceValues, PolicyState state)
    {
        var (decision, next) = _rule.Read(memory, _layout.Split(Owner, interfaceValues), (NamedState)state);
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
                $"{Owner}: {method}: the state holds {Listed(next.Names)}; {Listed(last.Names)}, as before, is wanted.");
        }

        foreach (var (name, value, known) in next.Names.Zip(next.Tensors, last.Tensors))
        {
            Present(name, value, method);
            RequireType($"{method}: state '{name}'", value, known.dtype, "as before");
            if (!Grows)
            {
                RequireShape($"{method}: state '{name}'", value, known.shape);
            }
        }

        return next;
    }

    private void Present(string name, Tensor? value, string method)
    {
        if (value is null)
        {
            throw new ShapeException($"{Owner}: {method}: state '{name}' is missing.");
        }
    }

    private void RequireShape(string argument, Tensor value, ReadOnlySpan<long> wanted) =>
        Shape.Require(Owner, argument, value, wanted);

    /// <summary>Requires a type: libtorch ends the process where a product of batches gets two.</summary>
    private void RequireType(string argument, Tensor value, ScalarType wanted, string why)
    {
        if (value.dtype != wanted)
        {
            throw new ShapeException($"{Owner}: {argument} is {value.dtype}; {wanted}, {why}, is wanted.");
        }
    }

    private ShapeException Missing(string method, string what) => new($"{Owner}: {method} returned no {what}.");

    private static string Listed(IEnumerable<string> names) => string.Join(", ", names.DefaultIfEmpty("nothing"));
}

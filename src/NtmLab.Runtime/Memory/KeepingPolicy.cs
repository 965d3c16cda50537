using NtmLab.Models;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// A policy that decides, step by step, whether a vector is worth a slot of its own. In each step the controller offers one
/// vector; <see cref="Save"/> says whether it is saved, where, and how strongly. Reads are by content among the slots that hold
/// something: with keys k, key strength beta and the strength s of each slot,
/// <code>
/// w(i) = s(i) softmax_i(beta cosine(k, M(i)) + ln s(i))      over slots i with s(i) > 0
/// </code>
/// so that a weighting sums to at most 1, and to 0 while nothing is saved, and that of two like vectors the stronger one is read:
/// the weaker one can go without being missed. The offered vector passes through tanh, the key too, key
/// strength through softplus.
/// </summary>
public abstract class KeepingPolicy : MemoryPolicy
{
    /// <summary>The name of the part of the state that counts what was saved so far, <c>[batch, 1]</c>.</summary>
    protected const string Saves = "saves";

    private const string Key = "key";
    private const string KeyStrength = "keyStrength";
    private const string Offer = "offer";

    private readonly InterfaceLayout _layout = new();
    private readonly double _initialKeyStrength;

    /// <summary>Makes a policy.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="options">The sizes, and the key strength that heads start with.</param>
    /// <param name="more">What the policy wants of the controller beside keys, key strengths and the offered vector.</param>
    protected KeepingPolicy(string name, KeepingOptions options, params ReadOnlySpan<(string Name, int Width)> more)
        : base(name, options.Width, options.ReadHeads, writeHeads: 1)
    {
        _initialKeyStrength = options.InitialKeyStrength;
        _layout.Add(Key, ReadHeads, Width).Add(KeyStrength, ReadHeads, 1).Add(Offer, 1, Width);
        foreach (var (part, width) in more)
        {
            _layout.Add(part, 1, width);
        }
    }

    /// <inheritdoc/>
    public override int InterfaceSize => _layout.Size;

    /// <inheritdoc/>
    public override bool CountsSlots => true;

    /// <summary>Strength, a counter, and what the policy itself keeps.</summary>
    /// <param name="slots">The number of slots.</param>
    public override long StateSize(int slots)
    {
        using var scope = NewDisposeScope();
        return Start(zeros(1, slots, Width)).Tensors.Sum(part => part.numel());
    }

    /// <summary>Similarities for each read, the slot norms, and the softmax.</summary>
    /// <param name="slots">The number of slots.</param>
    public override long MultiplyAddsPerStep(int slots) => ((long)slots * Width * (ReadHeads + 1)) + (4L * slots * ReadHeads);

    /// <inheritdoc/>
    public override void StartBias(Span<float> bias) =>
        Part(KeyStrength, bias).Fill(HeadActivations.InverseSoftplus(_initialKeyStrength));

    /// <summary>Nothing is saved.</summary>
    /// <param name="memory">The initial memory, <c>[batch, slots, width]</c>.</param>
    public sealed override PolicyState Start(Tensor memory)
    {
        Tensor Zeros(params ReadOnlySpan<long> shape) => zeros([memory.shape[0], .. shape], memory.dtype, memory.device);
        return new NamedState(
            [(NamedState.StrengthName, Zeros(memory.shape[1])), (Saves, Zeros(1)), .. StartMore(Zeros, memory.shape[1])]);
    }

    /// <summary>As long as no slot was taken a second time: the next one is then the first of the new ones.</summary>
    /// <param name="state">The state.</param>
    /// <param name="slots">The number of slots it is over.</param>
    /// <param name="start">The state before the first step, over all slots.</param>
    public sealed override PolicyState? Extend(PolicyState state, int slots, PolicyState start)
    {
        using var turns = Turns((NamedState)state).detach().to(ScalarType.Float64).max();
        return turns.item<double>() > slots ? null : base.Extend(state, slots, start);
    }

    /// <inheritdoc/>
    public sealed override (WriteDecision Decision, PolicyState State) Write(
        Tensor memory, Tensor interfaceValues, PolicyState state)
    {
        var values = _layout.Split(GetName(), interfaceValues);
        var offer = values[Offer].tanh();
        var (place, next) = Save(new Offered(offer, memory, values, (NamedState)state));
        return (new WriteDecision(place.unsqueeze(1), ones_like(offer), offer), next);
    }

    /// <inheritdoc/>
    public sealed override (ReadDecision Decision, PolicyState State) Read(
        Tensor memory, Tensor interfaceValues, PolicyState state)
    {
        var values = _layout.Split(GetName(), interfaceValues);
        var weighting = Addressing.ContentAmong(
            values[Key].tanh(),
            HeadActivations.Softplus(values[KeyStrength]),
            memory,
            ((NamedState)state)[NamedState.StrengthName]);
        return (new ReadDecision(weighting), state);
    }

    /// <summary>Decides what becomes of an offered vector.</summary>
    /// <param name="offered">The vector and what is known.</param>
    /// <returns>
    /// How much of it goes to each slot, <c>[batch, slots]</c>: 1 puts it in the place of what was there, a part mixes both; and
    /// the state after it, of that many slots.
    /// </returns>
    protected abstract (Tensor Place, NamedState State) Save(Offered offered);

    /// <summary>What the policy itself keeps, before the first step.</summary>
    /// <param name="zeros">Makes a tensor of zeros, given its shape without the batch.</param>
    /// <param name="slots">The number of slots.</param>
    protected virtual IEnumerable<(string Name, Tensor Value)> StartMore(Zeros zeros, long slots) => [];

    /// <summary>How many slots were taken so far, one taken again counted again, <c>[batch, 1]</c>; by default what was saved.</summary>
    /// <param name="state">The state.</param>
    protected virtual Tensor Turns(NamedState state) => state[Saves];

    /// <summary>The values of one part among those of all.</summary>
    protected Span<float> Part(string name, Span<float> values) => _layout.Part(name, values);

    /// <summary>
    /// Saves into the next slot, the one after the last one taken. Memory that grows gets new slots for it; at its capacity, the slot
    /// after the last is the first again.
    /// </summary>
    /// <param name="state">The state.</param>
    /// <param name="strength">How strongly, <c>[batch, 1]</c>; 0 where nothing is saved.</param>
    /// <returns>The slot, <c>[batch, slots]</c>, and the state after it.</returns>
    protected (Tensor Place, NamedState State) SaveInTurn(NamedState state, Tensor strength)
    {
        var held = state[NamedState.StrengthName];
        var slots = Grows ? Capacity : held.shape[1];
        var next = HeldNumber.With(slots, count => state[Saves].remainder(count));
        if (Grows)
        {
            var wanted = (HeldNumber.Plus(next, Constants.One) * strength.gt(Constants.Zero)).max().to(ScalarType.Int64).item<long>();
            state = state.Set(NamedState.StrengthName, Wider(held, wanted));
        }

        return SaveAt(state, next, strength);
    }

    /// <summary>Saves into a given slot.</summary>
    /// <param name="state">The state.</param>
    /// <param name="slot">The slot's number, <c>[batch, 1]</c>.</param>
    /// <param name="strength">How strongly, <c>[batch, 1]</c>; 0 where nothing is saved.</param>
    /// <returns>The slot, <c>[batch, slots]</c>, and the state after it.</returns>
    protected static (Tensor Place, NamedState State) SaveAt(NamedState state, Tensor slot, Tensor strength)
    {
        var held = state[NamedState.StrengthName];
        var saved = strength.gt(Constants.Zero);
        var place = zeros_like(held);
        if (held.shape[1] > 0)
        {
            // Where nothing is saved, the slot may not be there yet.
            var there = (slot * saved).to(ScalarType.Int64);
            place = place.scatter(1, there, saved.to(held.dtype));
        }

        return (
            place,
            state.Set(NamedState.StrengthName, (held * HeldNumber.OneMinus(place)) + (place * strength))
                .Set(Saves, state[Saves] + saved));
    }

    /// <summary>A value for each slot, <c>[batch, slots]</c>, with zeros for new slots up to a number.</summary>
    protected static Tensor Wider(Tensor values, long slots) => values.shape[1] >= slots
        ? values
        : cat([values, zeros(values.shape[0], slots - values.shape[1], values.dtype, values.device)], 1);

    /// <summary>The cosine similarity of an offered vector with each slot that holds something, <c>[batch, slots]</c>; -1e9 with others.</summary>
    protected static Tensor Similarities(Offered offered) =>
        Addressing.CosineSimilarity(offered.Vector, offered.Memory)
            .squeeze(1)
            .masked_fill(offered.State[NamedState.StrengthName].le(Constants.Zero), Constants.Excluded);

    /// <summary>Makes a tensor of zeros, given its shape without the batch.</summary>
    protected delegate Tensor Zeros(params ReadOnlySpan<long> shape);

    /// <summary>A vector that may be saved.</summary>
    /// <param name="Vector">The vector, <c>[batch, 1, width]</c>.</param>
    /// <param name="Memory">The memory one step ago, <c>[batch, slots, width]</c>.</param>
    /// <param name="Values">What the controller says, by part, each <c>[batch, heads, width]</c>.</param>
    /// <param name="State">The state one step ago.</param>
    protected sealed record Offered(
        Tensor Vector, Tensor Memory, IReadOnlyDictionary<string, Tensor> Values, NamedState State)
    {
        /// <summary>One for each sequence, <c>[batch, 1]</c>.</summary>
        public Tensor Ones => ones_like(State[Saves]);
    }
}

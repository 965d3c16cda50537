using NtmLab.Configuration;
using NtmLab.Kernels;
using NtmLab.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>
/// The policy of the Neural Turing Machine: every head combines content addressing with location addressing (Graves et
/// al. 2014, section 3.3). The paper leaves the ranges of the head parameters open; here the key and add vector pass
/// through tanh, the erase vector and interpolation gate through the logistic function, key strength through softplus,
/// sharpening through 1 + softplus and the shift weighting through softmax (Collier and Beel 2018).
/// </summary>
[CatalogName("ntm", "Content and location addressing with erase and add writes (Graves et al. 2014).")]
public sealed class NtmPolicy : MemoryPolicy
{
    private readonly int _shiftWidth;
    private readonly double _initialKeyStrength;
    private readonly InterfaceLayout _layout = new();

    /// <summary>Makes the policy.</summary>
    /// <param name="width">The width M of a slot.</param>
    /// <param name="readHeads">The number of read heads.</param>
    /// <param name="writeHeads">The number of write heads.</param>
    /// <param name="shiftWidth">The number of shifts S a head can make in one step; odd.</param>
    /// <param name="initialKeyStrength">The key strength that heads start with, about; greater than 0.</param>
    public NtmPolicy(
        int width, int readHeads, int writeHeads, int shiftWidth, double initialKeyStrength = NtmOptions.NeutralKeyStrength)
        : base("ntm", width, readHeads, writeHeads)
    {
        _shiftWidth = shiftWidth;
        _initialKeyStrength = initialKeyStrength;
        foreach (var (kind, heads) in new[] { (Kind.Read, readHeads), (Kind.Write, writeHeads) })
        {
            _layout.Add($"{kind}.key", heads, width)
                .Add($"{kind}.keyStrength", heads, 1)
                .Add($"{kind}.gate", heads, 1)
                .Add($"{kind}.shift", heads, shiftWidth)
                .Add($"{kind}.sharpening", heads, 1);
        }

        _layout.Add("Write.erase", writeHeads, width).Add("Write.add", writeHeads, width);
    }

    /// <summary>What every nat of entropy of a head's weighting costs in each step, in the unit of the loss; 0 for nothing.</summary>
    public double EntropyPrice { get; init; }

    /// <summary>
    /// What a whole write costs in each step, in the unit of the loss: <c>mean (e + a^2) / 2</c> of its erase and add vector counts; 0
    /// for nothing.
    /// </summary>
    public double WritePrice { get; init; }

    /// <summary>
    /// Whether every head is on one slot alone, that of the greatest weight, while the module is in evaluation (<c>eval()</c>); no
    /// gradient passes through the choice.
    /// </summary>
    public bool Discretise { get; init; }

    /// <inheritdoc/>
    public override bool HasPrice => EntropyPrice > 0 || WritePrice > 0;

    /// <inheritdoc/>
    public override bool ChoosesSlots => Discretise && !training;

    private enum Kind
    {
        Read,
        Write,
    }

    /// <inheritdoc/>
    public override int InterfaceSize => _layout.Size;

    /// <inheritdoc/>
    public override int LeastSlots => _shiftWidth;

    /// <inheritdoc/>
    public override long StateSize(int slots) => ((long)(ReadHeads + WriteHeads) * slots) + (HasPrice ? 1 : 0);

    /// <summary>One pass over the memory for each head's similarities, two for the slot norms, and the rest of addressing.</summary>
    /// <param name="slots">The number of slots.</param>
    public override long MultiplyAddsPerStep(int slots)
    {
        long heads = ReadHeads + WriteHeads;
        return ((long)slots * Width * (heads + 2)) + (heads * slots * (_shiftWidth + 6));
    }

    /// <inheritdoc/>
    public override NetworkShape FusedShape(
        int inputs, int outputs, Controller controller, int slots, float? blank) => new NtmShape(
        inputs,
        outputs,
        controller.Kind,
        controller.Layers,
        controller.Units,
        slots,
        Width,
        ReadHeads,
        WriteHeads,
        _shiftWidth)
        {
            EntropyPrice = (float)EntropyPrice,
            WritePrice = (float)WritePrice,
            Discretise = ChoosesSlots,
        };

    /// <inheritdoc/>
    public override void StartBias(Span<float> bias)
    {
        if (_initialKeyStrength != NtmOptions.NeutralKeyStrength)
        {
            var value = HeadActivations.InverseSoftplus(_initialKeyStrength);
            _layout.Part($"{Kind.Read}.keyStrength", bias).Fill(value);
            _layout.Part($"{Kind.Write}.keyStrength", bias).Fill(value);
        }
    }

    /// <summary>Every head starts focused on the first slot: with equal slots a spread focus could never become sharp.</summary>
    /// <param name="memory">The initial memory, <c>[batch, slots, width]</c>.</param>
    public override PolicyState Start(Tensor memory)
    {
        Tensor FirstSlot(int heads)
        {
            var weighting = zeros(memory.shape[0], heads, memory.shape[1], memory.dtype, memory.device);
            weighting.narrow(2, 0, 1).fill_(Constants.One);
            return weighting;
        }

        var price = HasPrice ? zeros(memory.shape[0], memory.dtype, memory.device) : null;
        return new NtmPolicyState(FirstSlot(ReadHeads), FirstSlot(WriteHeads), price);
    }

    /// <inheritdoc/>
    public override (WriteDecision Decision, PolicyState State) Write(Tensor memory, Tensor interfaceValues, PolicyState state)
    {
        var current = (NtmPolicyState)state;
        var values = _layout.Split(GetName(), interfaceValues);
        var weighting = Address(Kind.Write, values, memory, current.WriteWeighting);
        var decision = new WriteDecision(weighting, values["Write.erase"].sigmoid(), values["Write.add"].tanh());
        var price = Priced(current.PriceSoFar, weighting);
        if (price is not null && WritePrice > 0)
        {
            var written = (decision.Erase + decision.Add.square()).mean([2]).sum(1L);
            price += HeldNumber.With((WritePrice / 2).ToScalar(), each => written * each);
        }

        return (decision, current with { WriteWeighting = weighting, PriceSoFar = price });
    }

    /// <inheritdoc/>
    public override (ReadDecision Decision, PolicyState State) Read(Tensor memory, Tensor interfaceValues, PolicyState state)
    {
        var current = (NtmPolicyState)state;
        var values = _layout.Split(GetName(), interfaceValues);
        var weighting = Address(Kind.Read, values, memory, current.ReadWeighting);
        var price = Priced(current.PriceSoFar, weighting);
        return (new ReadDecision(weighting), current with { ReadWeighting = weighting, PriceSoFar = price });
    }

    /// <summary>The price with that of some weightings' entropy; null where nothing has one.</summary>
    private Tensor? Priced(Tensor? price, Tensor weighting)
    {
        if (price is null || EntropyPrice == 0)
        {
            return price;
        }

        var entropy = (weighting * weighting.add(Constants.SharpeningEpsilon, Constants.One).log()).sum([1, 2]).neg();
        return price + HeldNumber.With(EntropyPrice.ToScalar(), each => entropy * each);
    }

    private Tensor Address(Kind kind, IReadOnlyDictionary<string, Tensor> values, Tensor memory, Tensor previous)
    {
        var keyStrength = HeadActivations.Softplus(values[$"{kind}.keyStrength"]);
        var gate = values[$"{kind}.gate"].sigmoid();
        var shift = nn.functional.softmax(values[$"{kind}.shift"], dim: -1);
        var sharpening = HeadActivations.OnePlus(values[$"{kind}.sharpening"]);

        var content = Addressing.Content(values[$"{kind}.key"].tanh(), keyStrength, memory);
        var gated = Addressing.Interpolate(gate, content, previous);
        var weighting = Addressing.Sharpen(Addressing.Shift(gated, shift), sharpening);
        return ChoosesSlots ? Addressing.Greatest(weighting) : weighting;
    }
}

/// <summary>What an <see cref="NtmPolicy"/> carries from step to step.</summary>
/// <param name="ReadWeighting">The last read weightings, <c>[batch, read heads, slots]</c>.</param>
/// <param name="WriteWeighting">The last write weightings, <c>[batch, write heads, slots]</c>.</param>
/// <param name="PriceSoFar">What heads and writes have cost so far, <c>[batch]</c>; null where nothing has a price.</param>
public sealed record NtmPolicyState(Tensor ReadWeighting, Tensor WriteWeighting, Tensor? PriceSoFar = null) : PolicyState
{
    /// <inheritdoc/>
    public override IEnumerable<Tensor> Tensors =>
        PriceSoFar is { } price ? [ReadWeighting, WriteWeighting, price] : [ReadWeighting, WriteWeighting];

    /// <inheritdoc/>
    public override IEnumerable<string> Names => PriceSoFar is null
        ? ["readWeighting", "writeWeighting"]
        : ["readWeighting", "writeWeighting", NamedState.PriceName];

    /// <inheritdoc/>
    public override Tensor? Price => PriceSoFar;

    /// <inheritdoc/>
    public override PolicyState With(IReadOnlyList<Tensor> tensors) =>
        new NtmPolicyState(tensors[0], tensors[1], tensors.Count > 2 ? tensors[2] : null);
}

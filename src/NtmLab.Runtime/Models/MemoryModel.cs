using NtmLab.Configuration;
using NtmLab.Kernels;
using NtmLab.Memory;
using NtmLab.Probes;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace NtmLab.Models;

/// <summary>
/// A controller with an external memory (Graves, Wayne, Danihelka 2014, figure 1), whatever its <see cref="MemoryPolicy"/>
/// does with it: a Neural Turing Machine with <see cref="NtmPolicy"/>. One step:
/// <code>
/// h      = controller([input; reads of the last step])     [batch, units]
/// v      = W_interface h + b                                [batch, interface]
/// memory = erased and added to as the policy decides        [batch, slots, width]
/// reads  = what the policy reads from the new memory        [batch, read heads, width]
/// logits = W_output [h; reads] + b                          [batch, out]
/// </code>
/// Every slot starts at a small constant, or at a fixed vector of its own; the first reads are trained.
/// </summary>
public sealed partial class MemoryModel : FusableModel
{
    private readonly MemoryModelOptions _options;
    private readonly Controller _controller;
    private readonly MemoryPolicy _policy;
    private readonly DecisionCheck _decisions;

    /// <summary>Makes the model with freshly drawn parameters.</summary>
    /// <param name="inputWidth">Features of the input in each step.</param>
    /// <param name="outputWidth">Logits in each step.</param>
    /// <param name="options">Sizes and initial values, validated.</param>
    /// <param name="policy">What decides on reads and writes.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    public MemoryModel(int inputWidth, int outputWidth, MemoryModelOptions options, MemoryPolicy policy, RandomStream random)
        : base(policy.GetName(), inputWidth, outputWidth)
    {
        options.Validate();
        _options = options;
        _policy = policy;
        _decisions = new DecisionCheck(policy);
        var readWidth = policy.ReadHeads * policy.Width;
        _controller = options.Controller.Build(inputWidth + readWidth, random);
        var units = _controller.OutputWidth;
        register_module("controller", _controller);
        register_module("policy", policy);
        register_parameter("initial_reads", Initialisation.Uniform(random, 0.05, policy.ReadHeads, policy.Width));
        register_parameter(
            "interface_weight", Initialisation.Xavier(random, policy.InterfaceSize, units, options.InterfaceGain));
        var bias = Initialisation.Constant(0, policy.InterfaceSize);
        policy.StartBias(TensorMemory.Values(bias));
        register_parameter("interface_bias", bias);
        register_parameter("output_weight", Initialisation.Xavier(random, outputWidth, units + readWidth));
        register_parameter("output_bias", Initialisation.Constant(0, outputWidth));
        Slots = options.Slots;
    }

    /// <summary>
    /// The number of slots N; of a memory that grows, the most that there may be. No parameter depends on it: a trained model may be
    /// evaluated with more slots than it had in training.
    /// </summary>
    /// <exception cref="ConfigurationException">Fewer slots than the policy can work with.</exception>
    public int Slots
    {
        get;
        set
        {
            Require.AtLeast("model.slots", value, _policy.LeastSlots);
            if (StartFrom is { } start && (_policy.Grows ? value < start.Slots : value != start.Slots))
            {
                throw new ConfigurationException(
                    $"model.slots: {value} is not allowed while sequences start from a memory of {start.Slots} slots; "
                    + $"{start.Slots}{(_policy.Grows ? " or more are" : " is")}.");
            }

            field = value;
            _policy.Capacity = value;
            FuseAgain();
        }
    }

    /// <summary>The width M of a slot.</summary>
    public int Width => _policy.Width;

    // Looked up each time: moving a module to another device or type puts other tensors in the place of its parameters.
    private Parameter InitialReads => get_parameter("initial_reads")!;

    private Parameter InterfaceWeight => get_parameter("interface_weight")!;

    private Parameter InterfaceBias => get_parameter("interface_bias")!;

    private Parameter OutputWeight => get_parameter("output_weight")!;

    private Parameter OutputBias => get_parameter("output_bias")!;

    /// <inheritdoc/>
    public override long StateSize =>
        _controller.StateSize
        + ((long)FirstSlots * _policy.Width)
        + ((long)_policy.ReadHeads * _policy.Width)
        + _policy.StateSize(FirstSlots);

    /// <inheritdoc/>
    public override bool StateGrows => _policy.Grows;

    /// <summary>
    /// Multiply-adds of one forward step for one sequence: controller, interface and output products, one pass over the
    /// memory for each read and two for each write, and what the policy needs for its decisions.
    /// </summary>
    public override long MultiplyAddsPerStep => MultiplyAddsWith(FirstSlots);

    /// <summary>
    /// As many times the cost of a step, unless the memory grows: then each step costs what it does with a slot more than the one
    /// before it, up to as many as there may be. That is exact where every step saves, and the most where the policy saves less.
    /// </summary>
    /// <param name="steps">Steps; 0 or more.</param>
    public override long MultiplyAdds(long steps) =>
        StateGrows ? WhileGrowing(steps, MultiplyAddsWith) : base.MultiplyAdds(steps);

    /// <inheritdoc/>
    public override long ResultsPerStep => _controller.ResultsPerStep + _policy.InterfaceSize + OutputWidth;

    /// <summary>
    /// Of the state all values in, and out those that the policy writes; of a memory that grows as many slots as
    /// <see cref="MultiplyAdds"/> counts.
    /// </summary>
    /// <param name="steps">Steps; 0 or more.</param>
    public override Traffic StepTraffic(long steps)
    {
        var around = _controller.StateSize + ((long)_policy.ReadHeads * Width);
        long Read(int slots) => around + ((long)slots * Width) + _policy.StateSize(slots);
        long Written(int slots) => around + _policy.WrittenPerStep(slots);
        var state = steps == 0 ? 0
            : StateGrows ? Read(FirstSlots) + WhileGrowing(steps - 1, Read) + WhileGrowing(steps, Written)
            : checked(steps * (Read(Slots) + Written(Slots)));
        return base.StepTraffic(steps) with { State = state };
    }

    /// <summary>
    /// Controller, write, read and output: a vector that is written at once and read <paramref name="lag"/> steps later
    /// passes no step in between, whatever the lag.
    /// </summary>
    public override long PathLength(long lag) => lag == 0 ? 2 : 4;

    /// <inheritdoc/>
    public override bool CountsSlots => _policy.CountsSlots;

    /// <inheritdoc/>
    public override Tensor? SlotsUsed(ModelState state) => ((State)state).Policy.SlotsUsed;

    /// <summary>
    /// The sum over steps of a cost that depends on the slots after each, where every step adds one. Costs of memories that grow are so
    /// much for each slot.
    /// </summary>
    private long WhileGrowing(long steps, Func<int, long> cost)
    {
        var rising = Math.Min(steps, Slots - FirstSlots);
        var (first, more) = (cost(FirstSlots), cost(FirstSlots + 1));
        return checked(
            (rising * first) + ((more - first) * (rising * (rising + 1) / 2)) + ((steps - rising) * cost(Slots)));
    }

    /// <summary>Multiply-adds of a step after whose write there are so many slots.</summary>
    private long MultiplyAddsWith(int slots) =>
        _controller.MultiplyAddsPerStep
        + InterfaceWeight.numel()
        + OutputWeight.numel()
        + ((long)slots * _policy.Width * (_policy.ReadHeads + (2L * _policy.WriteHeads)))
        + _policy.MultiplyAddsPerStep(slots);

    /// <inheritdoc/>
    protected override NetworkShape? FusedShape => _controller.CanFuse
        ? _policy.FusedShape(
            InputWidth, OutputWidth, _controller, Slots, _options.InitialSpread > 0 ? null : _options.InitialMemory)
        : null;

    /// <inheritdoc/>
    protected override string? Unfused => _policy.Unfused;

    /// <inheritdoc/>
    protected override bool FusesForwardOnly => _policy.ChoosesSlots;

    /// <inheritdoc/>
    public override void train(bool train = true)
    {
        var chose = _policy.ChoosesSlots;
        base.train(train);
        if (chose != _policy.ChoosesSlots)
        {
            FuseAgain();
        }
    }

    /// <summary>What the memory holds in a state of this model, with the last reads.</summary>
    /// <param name="state">The state.</param>
    public static MemoryContents Contents(ModelState state)
    {
        var known = (State)state;
        return new MemoryContents(known.Memory, known.Policy, known.Reads);
    }

    /// <summary>The memory model that a model is, or that it gives its tokens to; null if there is none.</summary>
    /// <param name="model">The model.</param>
    public static MemoryModel? Of(SequenceModel model) => (model is TokenModel tokens ? tokens.Inner : model) as MemoryModel;

    /// <inheritdoc/>
    public override (Tensor Logits, Tensor? Price) ForwardWithPrice(Tensor input)
    {
        if (!_policy.HasPrice)
        {
            return base.ForwardWithPrice(input);
        }

        RequireSequences(input);
        var (logits, state) = Run(input, InitialState(input.shape[0]));
        return (logits, ((State)state).Policy.Price);
    }

    /// <inheritdoc/>
    protected override (Tensor Output, ModelState State) OutputStep(Tensor input, ModelState state, HeadTrace? trace)
    {
        var last = (State)state;
        var seen = cat([input, last.Reads.flatten(1)], 1);
        var (hidden, controllerState) = _controller.Step(seen, last.Controller);
        var interfaceValues = nn.functional.linear(hidden, InterfaceWeight, InterfaceBias);

        var observed = _policy.Observe(input, last.Policy);
        var (write, policyState) = _policy.Write(last.Memory, interfaceValues, observed);
        var memory = Written(last.Memory, write);
        (var read, policyState) = _policy.Read(memory, interfaceValues, policyState);
        _decisions.Require(read, memory);
        var reads = Addressing.Read(memory, read.Weighting);

        trace?.Record(read.Weighting, write.Weighting, reads, write.Erase, write.Add);
        var logits = nn.functional.linear(cat([hidden, reads.flatten(1)], 1), OutputWeight, OutputBias);
        return (logits, new State(controllerState, reads, memory, policyState));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Discard(StartFrom);
        }

        base.Dispose(disposing);
    }

    /// <summary>A tensor on the device and of the type of the parameters.</summary>
    private Tensor Like(Tensor tensor) => tensor.to(InterfaceWeight.dtype).to(InterfaceWeight.device);

    /// <summary>The memory after a write, with the new slots that it asks for.</summary>
    private Tensor Written(Tensor memory, WriteDecision write)
    {
        _decisions.Require(write, memory);
        var (slots, wanted) = (checked((int)memory.shape[1]), checked((int)write.Weighting.shape[2]));
        if (wanted > slots)
        {
            if (wanted > Slots)
            {
                throw new ConfigurationException(
                    $"model.slots: {Slots} is not enough; policy '{_policy.GetName()}' asks for slot {wanted} of this sequence.");
            }

            var more = Blank(slots, wanted - slots).unsqueeze(0).expand(memory.shape[0], -1, -1);
            memory = cat([memory, more], 1);
        }

        return Addressing.Write(memory, write.Weighting, write.Erase, write.Add);
    }

    private sealed record State(
        ControllerState Controller,
        Tensor Reads,
        Tensor Memory,
        PolicyState Policy) : ModelState
    {
        public override IEnumerable<Tensor> Tensors => [.. Controller.Tensors, Reads, Memory, .. Policy.Tensors];

        public override ModelState With(IReadOnlyList<Tensor> tensors)
        {
            var rest = tensors.Skip(Controller.Tensors.Count()).ToArray();
            return new State(Controller.With(tensors), rest[0], rest[1], Policy.With(rest[2..]));
        }
    }
}

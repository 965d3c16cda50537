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
public sealed class MemoryModel : FusableModel
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
            field = value;
            _policy.Capacity = value;
            FuseAgain();
        }
    }

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
    public override long MultiplyAddsPerStep =>
        _controller.MultiplyAddsPerStep
        + InterfaceWeight.numel()
        + OutputWeight.numel()
        + ((long)FirstSlots * _policy.Width * (_policy.ReadHeads + (2L * _policy.WriteHeads)))
        + _policy.MultiplyAddsPerStep(FirstSlots);

    /// <summary>
    /// Controller, write, read and output: a vector that is written at once and read <paramref name="lag"/> steps later
    /// passes no step in between, whatever the lag.
    /// </summary>
    public override long PathLength(long lag) => lag == 0 ? 2 : 4;

    /// <inheritdoc/>
    public override bool CountsSlots => _policy.CountsSlots;

    /// <inheritdoc/>
    public override Tensor? SlotsUsed(ModelState state) => ((State)state).Policy.SlotsUsed;

    /// <summary>Slots before the first step.</summary>
    private int FirstSlots => _policy.Grows ? 0 : Slots;

    /// <inheritdoc/>
    protected override NetworkShape? FusedShape => _controller.CanFuse
        ? _policy.FusedShape(
            InputWidth, OutputWidth, _controller, Slots, _options.InitialSpread > 0 ? null : _options.InitialMemory)
        : null;

    /// <inheritdoc/>
    protected override IEnumerable<Tensor> TrainedStart => [.. _controller.InitialState, InitialReads];

    /// <inheritdoc/>
    public override ModelState InitialState(long batch)
    {
        var memory = Blank(0, FirstSlots).unsqueeze(0).expand(batch, -1, -1);
        var reads = InitialReads.unsqueeze(0).expand(batch, -1, -1);
        return new State(_controller.Start(batch), reads, memory, _policy.Start(memory));
    }

    /// <summary>What the memory holds in a state of this model.</summary>
    /// <param name="state">The state.</param>
    public static MemoryContents Contents(ModelState state)
    {
        var known = (State)state;
        return new MemoryContents(known.Memory, known.Policy);
    }

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
    protected override IEnumerable<Tensor> ConstantStart()
    {
        var memory = Blank(0, FirstSlots);
        return [memory, .. _policy.Start(memory.unsqueeze(0)).Tensors.Select(part => part[0].contiguous())];
    }

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

    /// <summary>Slots that nothing was written to, <c>[count, width]</c>; a slot starts the same however many there are.</summary>
    private Tensor Blank(int first, int count)
    {
        var memory = HeldNumber.With(_options.InitialMemory, value => full([count, _policy.Width], value));
        if (_options.InitialSpread > 0)
        {
            var values = TensorMemory.Values(memory);
            for (var slot = 0; slot < count; slot++)
            {
                var random = new RandomStream(1, "initial memory", (ulong)(first + slot));
                foreach (ref var value in values.Slice(slot * _policy.Width, _policy.Width))
                {
                    value += (float)(_options.InitialSpread * random.NextNormal());
                }
            }
        }

        var like = InterfaceWeight;
        return memory.to(like.dtype).to(like.device);
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

/// <summary>What a memory holds.</summary>
/// <param name="Memory">The memory, <c>[batch, slots, width]</c>.</param>
/// <param name="Policy">What its policy knows of it.</param>
public sealed record MemoryContents(Tensor Memory, PolicyState Policy);

/// <summary>Configuration of a <see cref="MemoryModel"/>.</summary>
public abstract record MemoryModelOptions : ModelOptions
{
    /// <summary>The controller.</summary>
    public ControllerOptions Controller { get; init; } = new LstmControllerOptions();

    /// <summary>The number of memory slots N.</summary>
    public int Slots { get; init; } = 128;

    /// <summary>The width M of a slot.</summary>
    public int Width { get; init; } = 20;

    /// <summary>The number of read heads R.</summary>
    public int ReadHeads { get; init; } = 1;

    /// <summary>The value of every memory cell before the first step; 1e-6: Collier and Beel 2018.</summary>
    public float InitialMemory { get; init; } = 1e-6f;

    /// <summary>
    /// The standard deviation of a normal number that is added to every memory cell before the first step, always the same for the
    /// same cell: it gives every slot a name of its own, by which heads can find it before anything is written. 0 for none.
    /// </summary>
    public double InitialSpread { get; init; }

    /// <summary>The gain of the Xavier start of the projection from controller to policy.</summary>
    public double InterfaceGain { get; init; } = 1.4;

    /// <inheritdoc/>
    public override SequenceModel Build(int inputWidth, int outputWidth, RandomStream random)
    {
        return new MemoryModel(inputWidth, outputWidth, this, BuildPolicy(inputWidth), random);
    }

    /// <inheritdoc/>
    public override void Validate()
    {
        Controller.Validate("model.controller");
        Require.AtLeast("model.slots", Slots, 1);
        Require.AtLeast("model.width", Width, 1);
        Require.AtLeast("model.readHeads", ReadHeads, 1);
        Require.Finite("model.initialMemory", InitialMemory);
        Require.NotNegative("model.initialSpread", InitialSpread);
        Require.Positive("model.interfaceGain", InterfaceGain);
    }

    /// <summary>The policy of a model of these options.</summary>
    /// <param name="inputWidth">Features of the model's input in each step.</param>
    /// <exception cref="ConfigurationException">An option is out of range.</exception>
    public MemoryPolicy BuildPolicy(int inputWidth)
    {
        Validate();
        var policy = Policy(inputWidth);
        policy.Capacity = Slots;
        return policy;
    }

    /// <summary>Makes the policy.</summary>
    /// <param name="inputWidth">Features of the model's input in each step.</param>
    protected abstract MemoryPolicy Policy(int inputWidth);
}

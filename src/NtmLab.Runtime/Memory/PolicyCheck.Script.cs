using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <content>What a policy is played on, and what becomes of it.</content>
public sealed partial class PolicyCheck
{
    /// <summary>What became of one step.</summary>
    private sealed record Played(
        WriteDecision Write, ReadDecision Read, Tensor Memory, Tensor Reads, PolicyState State, Tensor? Price);

    /// <summary>Fixed values for a policy to be played on.</summary>
    private sealed class Script
    {
        private readonly PolicyCheck _check;
        private readonly MemoryPolicy _policy;
        private readonly Tensor _inputs;

        public Script(PolicyCheck check, double magnitude, int batch, ScalarType type, int steps)
        {
            _check = check;
            _policy = check.Build();
            var slots = _policy.Grows ? 0 : check._slots;
            var size = _policy.InterfaceSize;
            Values = tensor(check.Draw((long)steps * batch * size, magnitude), [steps, batch, size]).to(type);
            _inputs = tensor(check.Draw((long)steps * batch * InputWidth, 1), [steps, batch, InputWidth]).to(type);
            Memory = tensor(check.Draw((long)batch * slots * _policy.Width, 1), [batch, slots, _policy.Width]).to(type);
        }

        private Script(Script other, Tensor values, Tensor inputs, Tensor memory)
        {
            _check = other._check;
            _policy = _check.Build();
            (Values, _inputs, Memory) = (values, inputs, memory);
        }

        /// <summary>What the controller says, <c>[steps, batch, interface size]</c>.</summary>
        public Tensor Values { get; }

        /// <summary>The memory before the first step, <c>[batch, slots, width]</c>.</summary>
        public Tensor Memory { get; }

        /// <summary>The same for another policy object of the same options.</summary>
        public Script Anew() => new(this, Values, _inputs, Memory);

        /// <summary>The same for one of the sequences.</summary>
        public Script Only(int sequence) => new(
            this, Values.narrow(1, sequence, 1), _inputs.narrow(1, sequence, 1), Memory.narrow(0, sequence, 1));

        /// <summary>The state before the first step.</summary>
        public PolicyState Start() => _policy.Start(Memory);

        public List<Played> Play() => Play(0, Memory, Start());

        public List<Played> Play(int from, Tensor memory, PolicyState state)
        {
            var decisions = new DecisionCheck(_policy);
            var played = new List<Played>();
            var types = state.Tensors.Select(part => part.dtype).ToArray();
            for (var t = from; t < Values.shape[0]; t++)
            {
                var values = Values[t];
                (var write, state) = _policy.Write(memory, values, _policy.Observe(_inputs[t], state));
                decisions.Require(write, memory);
                memory = Addressing.Write(Wider(memory, write.Weighting.shape[2]), write.Weighting, write.Erase, write.Add);
                (var read, state) = _policy.Read(memory, values, state);
                decisions.Require(read, memory);
                NeedFit(state, types, memory.shape[0]);
                var price = _policy.HasPrice ? Price(state, memory.shape[0]) : null;
                played.Add(new Played(write, read, memory, Addressing.Read(memory, read.Weighting), state, price));
            }

            return played;
        }

        /// <summary>Requires the number of values that a model reports of its state.</summary>
        public void NeedStateSize()
        {
            var slots = checked((int)Memory.shape[1]);
            var carried = Only(0).Start().Tensors.Sum(part => part.numel());
            var told = _policy.StateSize(slots);
            Need(told == carried, $"StateSize says {told} values for a sequence with {slots} slots; the first state holds {carried}");
        }

        private static void NeedFit(PolicyState state, ScalarType[] types, long batch)
        {
            var parts = state.Tensors.ToArray();
            Need(parts.Length == types.Length, $"the state holds {parts.Length} tensors; {types.Length}, as before the first step, is wanted");
            foreach (var (i, part) in parts.Index())
            {
                var name = PartName(state, i);
                Need(part.shape is [var first, ..] && first == batch, $"the first dimension of {name} is not the batch");
                Need(part.dtype == types[i], $"{name} is {part.dtype}; {types[i]}, as before the first step, is wanted");
                Need(part.detach().isfinite().all().item<bool>(), $"{name} holds a number that is not finite");
            }
        }

        private Tensor Price(PolicyState state, long batch) => Shape.Require(
            $"policy '{_policy.GetName()}'",
            "price [batch]",
            state.Price ?? throw new PolicyException("HasPrice is true, but the state has no price."),
            batch);

        private static Tensor Wider(Tensor memory, long slots) => slots <= memory.shape[1]
            ? memory
            : cat([memory, zeros(memory.shape[0], slots - memory.shape[1], memory.shape[2], memory.dtype)], 1);
    }
}

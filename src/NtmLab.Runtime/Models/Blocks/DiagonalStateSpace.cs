using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// A diagonal state space for every channel on its own: S4D-Lin (Gu, Gupta, Goel, Re 2022) with zero-order hold. The
/// continuous system of a channel has N complex states, <c>x' = A x + u</c> and <c>y = 2 Re(C x) + D u</c>, with
/// <code>
/// A       = -exp(a) + i b           exp(a) = 1/2, b = pi n at first    [channel, state]
/// step    = exp(s)                  log-uniform at first               [channel]
/// abar    = exp(step A)                                                [channel, state]
/// bbar    = (abar - 1) / A                                             [channel, state]
/// </code>
/// and the sampled one has two forms that give the same numbers:
/// <code>
/// x_t = abar x_{t-1} + bbar u_t,    y_t = 2 Re(C x_t) + D u_t          recurrence: Step
/// y   = K * u + D u,                K_l = 2 Re(C abar^l bbar)          causal convolution: forward, Run
/// </code>
/// Trained: a, b, s, C and D.
/// </summary>
public sealed class DiagonalStateSpace : nn.Module<Tensor, Tensor>
{
    private static readonly Scalar Two = 2.0.ToScalar();

    private readonly int _channels;
    private readonly int _states;

    /// <summary>Makes the state spaces.</summary>
    /// <param name="channels">Width of u and y.</param>
    /// <param name="states">Complex states N of each channel.</param>
    /// <param name="stepMin">The smallest step at first, greater than 0.</param>
    /// <param name="stepMax">The largest step at first.</param>
    /// <param name="random">The stream that the parameters are drawn from.</param>
    public DiagonalStateSpace(int channels, int states, double stepMin, double stepMax, RandomStream random)
        : base(nameof(DiagonalStateSpace))
    {
        _channels = channels;
        _states = states;
        register_parameter(
            "log_step", Initialisation.Between(random, Math.Log(stepMin), Math.Log(stepMax), channels));
        register_parameter("log_decay", Initialisation.Constant(MathF.Log(0.5f), channels, states));
        register_parameter("frequency", Initialisation.Repeated(
            [.. Enumerable.Range(0, states).Select(n => (float)(Math.PI * n))], channels));

        // A complex standard normal number: half of the variance in each part.
        register_parameter("output_real", Initialisation.Normal(random, Math.Sqrt(0.5), channels, states));
        register_parameter("output_imaginary", Initialisation.Normal(random, Math.Sqrt(0.5), channels, states));
        register_parameter("skip", Initialisation.Normal(random, 1, channels));
    }

    /// <summary>Values carried from step to step for one sequence: a complex number is two.</summary>
    public long StateSize => 2L * _channels * _states;

    /// <summary>
    /// Multiply-adds of one step of the recurrence for one sequence, for each state four to turn it, two for the input and
    /// two for the output; abar and bbar depend on no sequence and are not counted.
    /// </summary>
    public long MultiplyAddsPerStep => (8L * _channels * _states) + _channels;

    private Tensor Skip => get_parameter("skip")!;

    /// <summary>C.</summary>
    private ComplexPair Output => new(get_parameter("output_real")!, get_parameter("output_imaginary")!);

    /// <summary>A.</summary>
    private ComplexPair Generator => new(-get_parameter("log_decay")!.exp(), get_parameter("frequency")!);

    /// <summary>step A.</summary>
    private ComplexPair Exponent => Generator * get_parameter("log_step")!.exp().unsqueeze(-1);

    /// <summary>The state before the first step: zeros, <c>[batch, channel, state]</c>.</summary>
    /// <param name="batch">The number of sequences.</param>
    public ComplexPair Start(long batch)
    {
        Tensor Zeros() => zeros([batch, _channels, _states], dtype: Skip.dtype, device: Skip.device);
        return new ComplexPair(Zeros(), Zeros());
    }

    /// <summary>The first values of the convolution's kernel K.</summary>
    /// <param name="time">How many.</param>
    /// <returns>K, <c>[channel, time]</c>.</returns>
    public Tensor Kernel(long time)
    {
        var exponent = Exponent;
        return Response(Output * HeldInput(exponent), exponent, time);
    }

    /// <summary>Whole sequences from the zero state, by convolution.</summary>
    /// <param name="input">u, <c>[batch, time, channel]</c>.</param>
    /// <returns>y, <c>[batch, time, channel]</c>.</returns>
    public override Tensor forward(Tensor input)
    {
        var time = input.shape[1];

        // At least as many zeros behind as there are steps: what the circular convolution carries round the end falls on
        // them. Transforms are fastest for powers of two.
        var length = (long)BitOperations.RoundUpToPowerOf2(2 * (ulong)time);
        var spectrum = fft.rfft(input.transpose(1, 2), length) * fft.rfft(Kernel(time), length);
        return fft.irfft(spectrum, length).narrow(-1, 0, time).transpose(1, 2) + (input * Skip);
    }

    /// <summary>Whole sequences from a given state: by convolution, and what the state adds.</summary>
    /// <param name="input">u, <c>[batch, time, channel]</c>.</param>
    /// <param name="state">x before the first step.</param>
    /// <returns>y, <c>[batch, time, channel]</c>, and x after the last step.</returns>
    public (Tensor Output, ComplexPair State) Run(Tensor input, ComplexPair state)
    {
        var time = input.shape[1];
        var exponent = Exponent;
        var turned = state * exponent.Exp();
        var output = forward(input) + Response(Output * turned, exponent, time).transpose(1, 2);
        var kept = state * Powers(exponent, [time]).Each(power => power.squeeze(-1));
        return (output, kept + Absorbed(input.transpose(1, 2), exponent));
    }

    /// <summary>One step, by recurrence.</summary>
    /// <param name="input">u, <c>[batch, channel]</c>.</param>
    /// <param name="state">x one step ago.</param>
    /// <returns>y, <c>[batch, channel]</c>, and x now.</returns>
    public (Tensor Output, ComplexPair State) Step(Tensor input, ComplexPair state)
    {
        var exponent = Exponent;
        var next = (state * exponent.Exp()) + (HeldInput(exponent) * input.unsqueeze(-1));
        return (((Output * next).Real.sum(-1L) * Two) + (input * Skip), next);
    }

    /// <summary>bbar.</summary>
    private ComplexPair HeldInput(ComplexPair exponent) => exponent.ExpMinusOne() / Generator;

    /// <summary>
    /// The values 2 Re(sum of c abar^l over the states) for l from 0. With <c>l = start + offset</c> they are a product of two
    /// small matrices for each channel, about as many starts as offsets, so that no power is made for every l.
    /// </summary>
    /// <param name="coefficients">c, <c>[..., channel, state]</c>.</param>
    /// <param name="exponent">step A, <c>[channel, state]</c>.</param>
    /// <param name="time">How many l.</param>
    /// <returns>The values, <c>[..., channel, time]</c>.</returns>
    private static Tensor Response(ComplexPair coefficients, ComplexPair exponent, long time)
    {
        var (starts, offsets) = Grid(exponent, time);
        var rows = (coefficients.Each(part => part.unsqueeze(-1)) * starts).Each(part => part.transpose(-2, -1));
        var real = rows.Real.matmul(offsets.Real) - rows.Imaginary.matmul(offsets.Imaginary);
        return real.flatten(-2).narrow(-1, 0, time) * Two;
    }

    /// <summary>The state that inputs leave: the sum of abar^(time - 1 - j) bbar u_j.</summary>
    /// <param name="input">u, <c>[batch, channel, time]</c>.</param>
    /// <param name="exponent">step A, <c>[channel, state]</c>.</param>
    /// <returns>x, <c>[batch, channel, state]</c>.</returns>
    private ComplexPair Absorbed(Tensor input, ComplexPair exponent)
    {
        var time = input.shape[^1];
        static Tensor LatestLast(Tensor powers) => powers.flip(-1).transpose(-2, -1);
        var (starts, offsets) = Grid(exponent, time);
        var (rows, columns) = (starts.Real.shape[^1], offsets.Real.shape[^1]);
        var table = nn.functional.pad(input, ((rows * columns) - time, 0)).unflatten(2, rows, columns);
        var within = offsets.Each(powers => table.matmul(LatestLast(powers)));
        return (within * starts.Each(LatestLast)).Each(part => part.sum(-2L)) * HeldInput(exponent);
    }

    /// <summary>Powers of abar whose products are abar^l for all l below a number.</summary>
    /// <returns>For <c>columns</c> near its root: abar^(columns i), <c>[channel, state, rows]</c>, and abar^i,
    /// <c>[channel, state, columns]</c>.</returns>
    private static (ComplexPair Starts, ComplexPair Offsets) Grid(ComplexPair exponent, long time)
    {
        var columns = (int)Math.Ceiling(Math.Sqrt(time));
        var rows = (int)((time + columns - 1) / columns);
        return (
            Powers(exponent, [.. Enumerable.Range(0, rows).Select(i => (double)i * columns)]),
            Powers(exponent, [.. Enumerable.Range(0, columns).Select(i => (double)i)]));
    }

    /// <summary>Powers of abar, <c>[channel, state, power]</c>.</summary>
    private static ComplexPair Powers(ComplexPair exponent, double[] powers)
    {
        var times = tensor(powers, dtype: exponent.Real.dtype, device: exponent.Real.device);
        return (exponent.Each(part => part.unsqueeze(-1)) * times).Exp();
    }
}

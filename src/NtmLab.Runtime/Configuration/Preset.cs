using NtmLab.Models;
using NtmLab.Training;

namespace NtmLab.Configuration;

/// <summary>A model of published sizes, by name.</summary>
/// <param name="Name">Its name: model/task/source.</param>
/// <param name="Summary">One sentence: what it is.</param>
/// <param name="Model">The model.</param>
/// <param name="Optimiser">The optimiser that it was trained with.</param>
public sealed record Preset(string Name, string Summary, ModelOptions Model, RmsPropOptions Optimiser)
{
    /// <summary>
    /// Tables 1 to 3 of Graves, Wayne, Danihelka 2014: RMSProp with momentum 0.9, memory 128 x 20; a head there is a read and a
    /// write head. The LSTM networks have skip connections: with them, and with inputs and outputs as below, their parameter
    /// counts are the published ones for four of the five tasks.
    /// </summary>
    public static IReadOnlyList<Preset> All { get; } =
    [
        FeedForward("copy", heads: 1, units: 100, rate: 1e-4),
        FeedForward("repeat-copy", heads: 1, units: 100, rate: 1e-4),
        FeedForward("associative-recall", heads: 4, units: 256, rate: 1e-4),
        FeedForward("n-grams", heads: 1, units: 100, rate: 3e-5),
        FeedForward("priority-sort", heads: 8, units: 512, rate: 3e-5),
        Ntm("copy", heads: 1, layers: 1, rate: 1e-4),
        Ntm("repeat-copy", heads: 1, layers: 1, rate: 1e-4),
        Ntm("associative-recall", heads: 1, layers: 1, rate: 1e-4),
        Ntm("n-grams", heads: 1, layers: 1, rate: 3e-5),
        Ntm("priority-sort", heads: 5, layers: 2, rate: 3e-5),
        Lstm("copy", units: 256, rate: 3e-5),
        Lstm("repeat-copy", units: 512, rate: 3e-5),
        Lstm("associative-recall", units: 256, rate: 1e-4),
        Lstm("n-grams", units: 128, rate: 1e-4),
        Lstm("priority-sort", units: 128, rate: 3e-5),
    ];

    /// <summary>Finds a preset.</summary>
    /// <exception cref="ConfigurationException">There is none of that name; the message suggests the nearest.</exception>
    public static Preset Find(string name) =>
        All.FirstOrDefault(preset => preset.Name == name)
        ?? throw new ConfigurationException(
            $"preset '{name}' is unknown; {Suggestion.For(name, All.Select(preset => preset.Name))}");

    private static Preset FeedForward(string task, int heads, int units, double rate)
    {
        var controller = new FeedForwardControllerOptions { Units = units };
        return Of($"ntm-feed-forward/{task}/paper", Memory(controller, heads), rate, "table 1");
    }

    private static Preset Ntm(string task, int heads, int layers, double rate)
    {
        var controller = new LstmControllerOptions { Units = 100, Layers = layers };
        return Of($"ntm/{task}/paper", Memory(controller, heads), rate, "table 2");
    }

    private static Preset Lstm(string task, int units, double rate) =>
        Of($"lstm/{task}/paper", new LstmOptions { Units = units, Layers = 3, Skip = true }, rate, "table 3");

    private static NtmOptions Memory(ControllerOptions controller, int heads) =>
        new() { Controller = controller, Slots = 128, Width = 20, ReadHeads = heads, WriteHeads = heads };

    private static Preset Of(string name, ModelOptions model, double rate, string table) => new(
        name, $"Graves, Wayne, Danihelka 2014, {table}.", model, new RmsPropOptions { LearningRate = rate, Momentum = 0.9 });
}

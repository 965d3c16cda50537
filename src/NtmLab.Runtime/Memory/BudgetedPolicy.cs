using NtmLab.Configuration;
using NtmLab.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace NtmLab.Memory;

/// <summary>A <see cref="LearnedGatePolicy"/> that saves at most B vectors of a sequence: after them the gate stays shut.</summary>
/// <param name="options">The gate, and the budget B.</param>
[CatalogName("budgeted", "A trained gate decides what is saved, of each sequence no more than a budget.")]
public sealed class BudgetedPolicy(BudgetedOptions options) : LearnedGatePolicy("budgeted", options)
{
    private readonly Scalar _budget = ((double)options.Budget).ToScalar();

    /// <inheritdoc/>
    protected override Tensor MaySave(NamedState state) => state[Saves].lt(_budget).to(state[Saves].dtype);
}

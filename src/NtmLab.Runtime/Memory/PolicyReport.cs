namespace NtmLab.Memory;

/// <summary>What a <see cref="PolicyCheck"/> found.</summary>
/// <param name="Policy">The policy's name.</param>
/// <param name="Findings">One for each check.</param>
public sealed record PolicyReport(string Policy, IReadOnlyList<PolicyFinding> Findings)
{
    /// <summary>Whether every check passed.</summary>
    public bool Passed => Findings.All(finding => finding.Passed);
}

/// <summary>What one check found.</summary>
/// <param name="Check">What was checked.</param>
/// <param name="Passed">Whether it holds.</param>
/// <param name="Detail">Figures, or what went wrong.</param>
public sealed record PolicyFinding(string Check, bool Passed, string Detail);

/// <summary>A policy breaks a rule that models rely on.</summary>
/// <param name="message">Which, and by how much.</param>
public sealed class PolicyException(string message) : NtmLabException(message);

namespace NtmLab.Native;

/// <summary>What the <see cref="Doctor"/> found about one thing.</summary>
/// <param name="Name">The thing, in a word or two, such as <c>libtorch</c>.</param>
/// <param name="Status">How it is.</param>
/// <param name="Detail">One line: what was found and, when it is not well, what helps.</param>
public sealed record DoctorCheck(string Name, DoctorStatus Status, string Detail);

namespace NtmLab.Native;

/// <summary>How one check of the <see cref="Doctor"/> ended.</summary>
public enum DoctorStatus
{
    /// <summary>All is well.</summary>
    Ok,

    /// <summary>Work goes on, with a disadvantage that the detail states.</summary>
    Warning,

    /// <summary>Some or all of the lab does not work; the detail says what to do.</summary>
    Failed,
}

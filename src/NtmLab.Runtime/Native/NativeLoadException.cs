namespace NtmLab.Native;

/// <summary>The native libraries cannot be loaded on this system.</summary>
/// <param name="message">One sentence for the user: what was wrong, where, and what is accepted.</param>
/// <param name="cause">The fault underneath, if any.</param>
public sealed class NativeLoadException(string message, Exception? cause = null) : NtmLabException(message, cause);

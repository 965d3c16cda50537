namespace NtmLab.Native;

/// <summary>Which native files this process runs on.</summary>
/// <param name="Folder">The folder that holds libtorch.</param>
/// <param name="Shipped">TorchSharp's native library, as shipped.</param>
/// <param name="Library">TorchSharp's native library, as loaded.</param>
/// <param name="IsMended">Whether <paramref name="Library"/> is our copy for an older C++ library.</param>
/// <param name="Version">The version of libtorch, such as <c>2.10.0.0</c>.</param>
public sealed record LibTorchFiles(string Folder, string Shipped, string Library, bool IsMended, string Version);

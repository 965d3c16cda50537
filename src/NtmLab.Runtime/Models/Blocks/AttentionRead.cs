using static TorchSharp.torch;

namespace NtmLab.Models.Blocks;

/// <summary>
/// Weighs what is stored by how well its key fits each query. The last query stands at the step of the last key.
/// </summary>
/// <param name="query">Queries, <c>[batch, heads, queries, width]</c>.</param>
/// <param name="key">Keys, <c>[batch, heads, keys, width]</c>.</param>
/// <param name="value">What is stored, <c>[batch, heads, keys, value width]</c>.</param>
/// <param name="visible">
/// Which keys a query sees, a boolean that broadcasts to <c>[batch, heads, queries, keys]</c>; null: as many keys as queries,
/// and each query sees its own and all before it.
/// </param>
/// <returns>What was read, <c>[batch, heads, queries, value width]</c>.</returns>
public delegate Tensor AttentionRead(Tensor query, Tensor key, Tensor value, Tensor? visible);

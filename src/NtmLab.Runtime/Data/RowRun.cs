namespace NtmLab.Data;

/// <summary>Neighbouring rows that belong together: a sequence, or what windows are cut from.</summary>
/// <param name="First">The first row, from 0.</param>
/// <param name="Count">The number of rows.</param>
/// <param name="IsValidation">Whether a column says that they are kept from training.</param>
internal readonly record struct RowRun(long First, long Count, bool IsValidation = false);

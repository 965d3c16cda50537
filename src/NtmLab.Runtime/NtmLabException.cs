namespace NtmLab;

/// <summary>
/// A fault that a user can act on. Its message is one complete sentence: what was wrong, where, and what is accepted.
/// The command line prints the message alone and exits with <see cref="ExitCode"/>.
/// </summary>
public abstract class NtmLabException : Exception
{
    /// <summary>Makes a fault from its sentence.</summary>
    protected NtmLabException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }

    /// <summary>The process exit code: 1 when the work failed, 2 when the request was wrong.</summary>
    public virtual int ExitCode => 1;
}

/// <summary>An option, a configuration value or a script that asks for something impossible.</summary>
public sealed class ConfigurationException(string message, Exception? cause = null) : NtmLabException(message, cause)
{
    /// <inheritdoc/>
    public override int ExitCode => 2;
}

/// <summary>A tensor whose shape does not fit where it was given.</summary>
public sealed class ShapeException(string message) : NtmLabException(message);

/// <summary>A data file that is missing, malformed, or does not hold what was asked of it.</summary>
public sealed class DataException(string message, Exception? cause = null) : NtmLabException(message, cause)
{
    /// <inheritdoc/>
    public override int ExitCode => 2;
}

/// <summary>A checkpoint that is truncated, foreign or belongs to another configuration.</summary>
public sealed class CheckpointException(string message, Exception? cause = null) : NtmLabException(message, cause);

/// <summary>A run folder that cannot be made, written, read or continued.</summary>
public sealed class RunException(string message, Exception? cause = null) : NtmLabException(message, cause);

/// <summary>A cluster that cannot be reached, or that refuses a job.</summary>
public sealed class ClusterException(string message, Exception? cause = null) : NtmLabException(message, cause);

/// <summary>Training that cannot go on: the loss or a gradient is no longer a finite number.</summary>
public sealed class DivergenceException(string message) : NtmLabException(message);

/// <summary>A paper that cannot be made of the results of a study.</summary>
public sealed class PaperException(string message, Exception? cause = null) : NtmLabException(message, cause);

/// <summary>A benchmark whose contestants do not compute the same.</summary>
public sealed class BenchmarkException(string message) : NtmLabException(message);

/// <summary>A function whose derivative cannot be computed as asked.</summary>
public sealed class DifferentiationException(string message, Exception? cause = null) : NtmLabException(message, cause);

using System.Data.Common;
using NtmLab.Training;

namespace NtmLab.Runs.Store;

/// <summary>What differs between the databases that keep runs. Everything else is the same SQL for all of them.</summary>
internal abstract class StoreEngine : IDisposable
{
    /// <summary>What the database is called in a sentence: a file, or a server without its password.</summary>
    public abstract string Place { get; }

    /// <summary>What a user can do where this database stands in the way.</summary>
    public abstract string Remedy { get; }

    /// <summary>
    /// Whether the database belongs to one folder of runs, so that a run whose folder is gone is gone; one that several machines
    /// share keeps it.
    /// </summary>
    public abstract bool MirrorsFolder { get; }

    /// <summary>How a table's own number is declared.</summary>
    public abstract string KeyColumn { get; }

    /// <summary>What follows a table whose rows lie in the order of their primary key.</summary>
    public abstract string OrderedByKey { get; }

    /// <summary>What follows a query so that the rows it finds are held until the transaction ends.</summary>
    public abstract string Held { get; }

    /// <summary>An open connection.</summary>
    /// <exception cref="DbException">There is none to be had.</exception>
    public abstract DbConnection Open();

    /// <summary>Begins a transaction that is going to write.</summary>
    /// <param name="connection">An open connection.</param>
    public abstract DbTransaction BeginWriting(DbConnection connection);

    /// <summary>Keeps other processes from changing the tables' shapes until the transaction ends.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="transaction">A transaction that is going to write.</param>
    public abstract void HoldSchema(DbConnection connection, DbTransaction transaction);

    /// <summary>Adds rows to the table <c>metrics</c>, as fast as the database takes them.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="transaction">A transaction that is going to write.</param>
    /// <param name="run">The run's number.</param>
    /// <param name="rows">The rows.</param>
    public abstract void Insert(DbConnection connection, DbTransaction transaction, long run, IReadOnlyList<BatchReport> rows);

    /// <summary>What a fault of the database means, without a stop at its end.</summary>
    /// <param name="fault">The fault.</param>
    public abstract string Explain(DbException fault);

    /// <summary>Closes what is open.</summary>
    public abstract void Dispose();

    /// <summary>Does work with the database, and turns its faults into sentences.</summary>
    /// <param name="work">The work.</param>
    /// <exception cref="RunException">The database cannot do it.</exception>
    public T Guard<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (DbException fault)
        {
            throw new RunException($"{Place}: {Explain(fault)}; {Remedy}.", fault);
        }
        catch (Exception fault) when (fault is TimeoutException or DllNotFoundException or IOException or UnauthorizedAccessException)
        {
            throw new RunException($"{Place}: {fault.Message.TrimEnd('.')}; {Remedy}.", fault);
        }
    }
}

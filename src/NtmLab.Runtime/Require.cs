using System.Globalization;

namespace NtmLab;

/// <summary>Checks configuration values and names, in one sentence, the option, its value and what is accepted.</summary>
public static class Require
{
    /// <summary>Requires a whole number of at least <paramref name="least"/>.</summary>
    /// <exception cref="ConfigurationException">It is smaller.</exception>
    public static void AtLeast(string option, long value, long least)
    {
        if (value < least)
        {
            throw new ConfigurationException($"{option}: {value} is not allowed; {least} or more is.");
        }
    }

    /// <summary>Requires a whole number from <paramref name="least"/> to <paramref name="most"/>.</summary>
    /// <exception cref="ConfigurationException">It lies outside.</exception>
    public static void Between(string option, long value, long least, long most)
    {
        if (value < least || value > most)
        {
            throw new ConfigurationException($"{option}: {value} is not allowed; {least} to {most} is.");
        }
    }

    /// <summary>Requires an odd whole number of at least 1.</summary>
    /// <exception cref="ConfigurationException">It is even or less than 1.</exception>
    public static void Odd(string option, long value)
    {
        if (value < 1 || value % 2 == 0)
        {
            throw new ConfigurationException($"{option}: {value} is not allowed; an odd number of 1 or more is.");
        }
    }

    /// <summary>Requires a width that heads can share evenly.</summary>
    /// <exception cref="ConfigurationException">It is no multiple of their number.</exception>
    public static void Shareable(string option, int width, int heads)
    {
        if (width % heads != 0)
        {
            throw new ConfigurationException(
                $"{option}: {width} is not allowed with {heads} heads; a multiple of the number of heads is.");
        }
    }

    /// <summary>Requires a number that needs as many slots.</summary>
    /// <exception cref="ConfigurationException">There are fewer.</exception>
    public static void AtMostSlots(string option, int value, int slots)
    {
        if (value > slots)
        {
            throw new ConfigurationException(
                $"{option}: {value} is not allowed with {slots} slots; at most the number of slots is.");
        }
    }

    /// <summary>Requires a finite number.</summary>
    /// <exception cref="ConfigurationException">It is infinite or not a number.</exception>
    public static void Finite(string option, double value)
    {
        if (!double.IsFinite(value))
        {
            throw new ConfigurationException($"{option}: {Text(value)} is not allowed; a finite number is.");
        }
    }

    /// <summary>Requires a finite number greater than 0.</summary>
    /// <exception cref="ConfigurationException">It is not.</exception>
    public static void Positive(string option, double value)
    {
        if (!double.IsFinite(value) || value <= 0)
        {
            throw new ConfigurationException($"{option}: {Text(value)} is not allowed; a number greater than 0 is.");
        }
    }

    /// <summary>Requires a finite number of at least 0.</summary>
    /// <exception cref="ConfigurationException">It is not.</exception>
    public static void NotNegative(string option, double value)
    {
        if (!double.IsFinite(value) || value < 0)
        {
            throw new ConfigurationException($"{option}: {Text(value)} is not allowed; a number of 0 or more is.");
        }
    }

    /// <summary>Requires a number in [low, high).</summary>
    /// <exception cref="ConfigurationException">It lies outside.</exception>
    public static void Within(string option, double value, double low, double high)
    {
        if (!(value >= low && value < high))
        {
            throw new ConfigurationException(
                $"{option}: {Text(value)} is not allowed; a number from {Text(low)} up to, not including, {Text(high)} is.");
        }
    }

    /// <summary>Requires a number from 0 to 1, both included.</summary>
    /// <exception cref="ConfigurationException">It lies outside.</exception>
    public static void Share(string option, double value)
    {
        if (!(value is >= 0 and <= 1))
        {
            throw new ConfigurationException($"{option}: {Text(value)} is not allowed; a number from 0 to 1 is.");
        }
    }

    /// <summary>Requires a number greater than <paramref name="low"/> and less than <paramref name="high"/>.</summary>
    /// <exception cref="ConfigurationException">It is not.</exception>
    public static void Inside(string option, double value, double low, double high)
    {
        if (!(value > low && value < high))
        {
            throw new ConfigurationException(
                $"{option}: {Text(value)} is not allowed; a number greater than {Text(low)} and less than {Text(high)} is.");
        }
    }

    /// <summary>Requires a cosine, a number from -1 to 1, both included.</summary>
    /// <exception cref="ConfigurationException">It is not.</exception>
    public static void Cosine(string option, double value)
    {
        if (!(value is >= -1 and <= 1))
        {
            throw new ConfigurationException($"{option}: {Text(value)} is not allowed; a number from -1 to 1 is.");
        }
    }

    private static string Text(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
}

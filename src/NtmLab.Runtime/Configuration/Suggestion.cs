namespace NtmLab.Configuration;

/// <summary>Suggests a known name for an unknown one.</summary>
public static class Suggestion
{
    /// <summary>
    /// Ends a sentence about an unknown name: <c>did you mean 'slots'?</c> when a known one is near, else the whole list.
    /// </summary>
    public static string For(string unknown, IEnumerable<string> known)
    {
        var names = known.ToArray();
        if (names.Length == 0)
        {
            return "there are none.";
        }

        var nearest = names.Select(name => (Name: name, Distance: Distance(unknown, name))).MinBy(pair => pair.Distance);
        return nearest.Distance <= Math.Max(2, unknown.Length / 3)
            ? $"did you mean '{nearest.Name}'?"
            : $"known are: {string.Join(", ", names)}.";
    }

    /// <summary>The least number of inserted, deleted or replaced letters, ignoring case (Levenshtein 1966).</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = diagonal + (char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}

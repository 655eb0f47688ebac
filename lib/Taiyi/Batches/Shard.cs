using System.Globalization;

namespace Taiyi.Batches;

/// <summary>One of several shares of the rows of a file: every <see cref="Count"/>-th row.</summary>
/// <param name="Index">Number of the share, from 0.</param>
/// <param name="Count">Number of shares, 1 or more.</param>
public sealed record Shard(int Index, int Count)
{
    /// <summary>The share that is everything.</summary>
    public static Shard Whole { get; } = new(0, 1);

    /// <summary>Reads a share as a user writes it: 1/8 is the first of eight, 8/8 the last.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static Shard Parse(string text) =>
        text.Split('/') is [var indexText, var countText]
        && int.TryParse(indexText, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
        && int.TryParse(countText, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
        && index >= 1 && index <= count
            ? new Shard(index - 1, count)
            : throw new ArgumentException($"The share is {text}; it must be one of 1/N to N/N, such as 2/8 for the second of eight.");

    /// <summary>This share divided again among processes.</summary>
    /// <param name="index">Number of the process, from 0.</param>
    /// <param name="count">Number of processes.</param>
    public Shard Split(int index, int count) => new((Index * count) + index, Count * count);

    /// <summary>Whether a row belongs to the share.</summary>
    /// <param name="row">Number of the row, from 0.</param>
    public bool Has(int row) => row % Count == Index;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Index + 1}/{Count}");
}

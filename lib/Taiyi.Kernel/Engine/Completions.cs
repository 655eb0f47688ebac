namespace Taiyi.Kernel.Engine;

/// <summary>What may stand at a position of a cell.</summary>
/// <param name="Start">Where the text that an entry replaces begins; an index of the code string.</param>
/// <param name="End">Where it ends.</param>
/// <param name="Entries">The candidates that match what is typed so far, in the order to show.</param>
public sealed record Completions(int Start, int End, IReadOnlyList<CompletionEntry> Entries);

/// <summary>One candidate.</summary>
/// <param name="Text">The text to insert.</param>
/// <param name="Kind">For example Method, Class, Property, Local, Keyword or Namespace.</param>
public sealed record CompletionEntry(string Text, string Kind);

namespace Taiyi.Kernel.Engine;

/// <summary>One thing that a running cell shows, in the vocabulary of the Jupyter messaging protocol.</summary>
public abstract record CellOutput;

/// <summary>Text of <c>Console.Out</c> or <c>Console.Error</c>; consecutive writes arrive joined, at most 50 ms late.</summary>
/// <param name="Name">"stdout" or "stderr".</param>
/// <param name="Text">The text as written, with its own line ends.</param>
public sealed record StreamOutput(string Name, string Text) : CellOutput;

/// <summary>A value shown by <c>display(x)</c>, or the new face of one shown before.</summary>
/// <param name="Data">The value in each of its MIME types.</param>
/// <param name="DisplayId">Names the output for later updates; unique in the process.</param>
/// <param name="IsUpdate">True when this replaces what was shown under the same identifier, in whichever cell that was.</param>
public sealed record DisplayOutput(MimeBundle Data, string DisplayId, bool IsUpdate) : CellOutput;

/// <summary>The value of the cell's last expression.</summary>
/// <param name="Data">The value in each of its MIME types.</param>
public sealed record ResultOutput(MimeBundle Data) : CellOutput;

/// <summary>What made the cell fail: an exception, compile errors, a refused command or an interrupt.</summary>
/// <param name="Name">The full name of the exception's type.</param>
/// <param name="Value">Its message.</param>
/// <param name="Traceback">Lines for a reader, the message first; positions are those of the cell's own text.</param>
public sealed record ErrorOutput(string Name, string Value, IReadOnlyList<string> Traceback) : CellOutput;

/// <summary>Asks the front end to drop what the cell has shown so far.</summary>
/// <param name="Wait">True to drop it only when the next output arrives, which avoids flicker.</param>
public sealed record ClearOutput(bool Wait) : CellOutput;

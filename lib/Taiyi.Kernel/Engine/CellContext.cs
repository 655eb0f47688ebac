namespace Taiyi.Kernel.Engine;

/// <summary>The cell that the current flow of control belongs to; follows threads and tasks that the cell starts.</summary>
internal sealed class CellContext(OutputBuffer output, CancellationToken token, CellInput? input = null)
{
    private static readonly AsyncLocal<CellContext?> Ambient = new();

    /// <summary>The running cell, or null outside of one.</summary>
    public static CellContext? Current
    {
        get => Ambient.Value;
        set => Ambient.Value = value;
    }

    /// <summary>Where the cell's outputs go.</summary>
    public OutputBuffer Output { get; } = output;

    /// <summary>What the cell's <see cref="Console.In"/> reads, or null where nobody can answer.</summary>
    public CellInput? Input { get; } = input;

    /// <summary>Cancelled when the cell is interrupted.</summary>
    public CancellationToken Token { get; } = token;

    /// <summary>Where the running cell gets its answers.</summary>
    /// <exception cref="InvalidOperationException">Nobody can answer it.</exception>
    public CellInput Answers()
    {
        // The question that the cell has printed stands before the place for its answer.
        Output.Flush();
        return Input ?? throw new InvalidOperationException("A notebook cell has no keyboard input: assign the value to a variable in place of asking for it.");
    }

    /// <summary>Asks the reader of the running cell's notebook for a line.</summary>
    /// <exception cref="InvalidOperationException">No cell runs, or nobody can answer it.</exception>
    public static string Ask(string prompt, bool isPassword)
    {
        CellContext context = Current ?? throw new InvalidOperationException("Only a running cell can ask for input.");
        return context.Answers().Ask(prompt, isPassword) ?? throw new InvalidOperationException("The cell has ended: nobody can answer it now.");
    }
}

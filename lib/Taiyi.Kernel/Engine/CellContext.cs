namespace Taiyi.Kernel.Engine;

/// <summary>The cell that the current flow of control belongs to; follows threads and tasks that the cell starts.</summary>
internal sealed class CellContext(OutputBuffer output, CancellationToken token, TextReader? input = null)
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
    public TextReader? Input { get; } = input;

    /// <summary>Cancelled when the cell is interrupted.</summary>
    public CancellationToken Token { get; } = token;
}

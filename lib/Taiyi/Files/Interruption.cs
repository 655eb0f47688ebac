namespace Taiyi.Files;

/// <summary>
/// The cancellation token of whatever is running now, so that a notebook's interrupt button or Ctrl-C ends a long call
/// in a cell that passes no token of its own.
/// </summary>
/// <remarks>
/// A host (the Jupyter kernel, the command) opens a scope with <see cref="Use"/>; every long-running call of this
/// library asks <see cref="Combine"/>. The token flows with <c>async</c> code. Outside of a scope it is that of <see cref="Host"/>.
/// </remarks>
public static class Interruption
{
    private static readonly AsyncLocal<CancellationToken> Current = new();

    /// <summary>Gives the token of what runs now in a host that opens no scope, such as .NET Interactive; null where there is none.</summary>
    public static Func<CancellationToken>? Host { get; set; }

    /// <summary>The token of the innermost open scope, else that of the host, else <see cref="CancellationToken.None"/>.</summary>
    public static CancellationToken Token => Current.Value.CanBeCanceled ? Current.Value : Host?.Invoke() ?? CancellationToken.None;

    /// <summary>Makes a token the current one until the returned scope is disposed.</summary>
    public static IDisposable Use(CancellationToken token)
    {
        CancellationToken previous = Current.Value;
        Current.Value = token;
        return new Scope(previous);
    }

    /// <summary>A source that is cancelled when either the current token or the given one is; dispose it after the call.</summary>
    public static CancellationTokenSource Combine(CancellationToken token) =>
        CancellationTokenSource.CreateLinkedTokenSource(token, Token);

    private sealed class Scope(CancellationToken previous) : IDisposable
    {
        public void Dispose() => Current.Value = previous;
    }
}

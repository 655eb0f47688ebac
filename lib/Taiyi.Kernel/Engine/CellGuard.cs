using System.Runtime.CompilerServices;

namespace Taiyi.Kernel.Engine;

/// <summary>The checks that the compiler of cells puts into loops and functions, so that an interrupt ends code that knows no token.</summary>
public static class CellGuard
{
    private static int s_interrupted;

    /// <summary>Throws when the running cell was interrupted.</summary>
    /// <exception cref="OperationCanceledException">The cell was interrupted.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check()
    {
        // One read of a field while nothing is interrupted: a loop over pixels does not feel it.
        if (Volatile.Read(ref s_interrupted) != 0)
        {
            CellContext.Current?.Token.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Arms the checks when the token is cancelled; they stay armed until the result is disposed.</summary>
    internal static IDisposable ArmOn(CancellationToken token) => new Arming(token);

    private sealed class Arming : IDisposable
    {
        private readonly CancellationTokenRegistration _registration;
        private int _armed;

        public Arming(CancellationToken token) => _registration = token.Register(() =>
        {
            Interlocked.Exchange(ref _armed, 1);
            Interlocked.Increment(ref s_interrupted);
        });

        public void Dispose()
        {
            _registration.Dispose();
            if (Interlocked.Exchange(ref _armed, 0) == 1)
            {
                Interlocked.Decrement(ref s_interrupted);
            }
        }
    }
}

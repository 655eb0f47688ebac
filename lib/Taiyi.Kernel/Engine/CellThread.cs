using System.Collections.Concurrent;

namespace Taiyi.Kernel.Engine;

/// <summary>
/// The thread on which the cells of one engine start. It stays the same from cell to cell, so that what a library keeps
/// per thread (gradient mode, dispose scopes) stays as the last cell left it.
/// </summary>
internal sealed class CellThread : IDisposable
{
    // Four times the usual: deep but honest recursion works. Endless recursion is caught by the stack probes in the cell's code.
    private const int StackSize = 4 * 1024 * 1024;

    private readonly BlockingCollection<Action> _work = [];

    public CellThread() =>
        new Thread(Loop, StackSize) { IsBackground = true, Name = "notebook cell" }.Start();

    /// <summary>Runs a function on the thread; the task ends with the one that the function returned.</summary>
    public Task<T> Run<T>(Func<Task<T>> function)
    {
        TaskCompletionSource<Task<T>> started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ExecutionContext? context = ExecutionContext.Capture();
        _work.Add(() =>
        {
            try
            {
                Task<T>? task = null;
                if (context is null)
                {
                    task = function();
                }
                else
                {
                    ExecutionContext.Run(context, _ => task = function(), null);
                }

                started.SetResult(task!);
            }
            catch (Exception exception)
            {
                started.SetException(exception);
            }
        });
        return started.Task.Unwrap();
    }

    /// <summary>Lets the thread end when its present work is done; an abandoned cell keeps it until then.</summary>
    public void Dispose() => _work.CompleteAdding();

    private void Loop()
    {
        foreach (Action action in _work.GetConsumingEnumerable())
        {
            action();
        }
    }
}

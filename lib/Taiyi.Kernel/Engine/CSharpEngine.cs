using System.Diagnostics;

namespace Taiyi.Kernel.Engine;

/// <summary>
/// One C# notebook session: runs cells that build upon each other, completes code and explains symbols. It behaves as the
/// C# kernel of .NET Interactive does for a notebook's author, and stands under both the Jupyter kernel and the headless runner.
/// </summary>
/// <remarks>
/// Cells run one at a time, in the process itself: <c>Environment.Exit</c> or a native crash in a cell ends the host too.
/// Endless recursion does not: it becomes an <see cref="InsufficientExecutionStackException"/> of the cell. Nor does an
/// exception on a thread that a cell has started: it is written to the cell's standard error.
/// </remarks>
public sealed class CSharpEngine : IDisposable
{
    private readonly SemaphoreSlim _oneAtATime = new(1, 1);
    private readonly EngineHost _host;
    private readonly CellRunner _runner;
    private readonly Traceback _traceback;
    private readonly ScriptWorkspace _workspace;
    private readonly LanguageServices _services;
    private CellThread _thread = new();
    private IDisposable? _running;

    /// <summary>Opens a session.</summary>
    /// <param name="workingDirectory">The folder that relative paths of <c>#r</c>, <c>#load</c> and <c>#i</c> mean: the notebook's own.</param>
    /// <param name="host">What the program around wants done; null for nothing.</param>
    public CSharpEngine(string workingDirectory, EngineHost? host = null)
    {
        WorkingDirectory = Path.GetFullPath(workingDirectory);
        _host = host ?? EngineHost.None;
        ReferenceSet references = new(WorkingDirectory);
        _workspace = new ScriptWorkspace(references);
        _runner = new CellRunner(references, _workspace, WorkingDirectory, stage => StageBegins?.Invoke(stage));
        _traceback = new Traceback(references.LoadContext.IsCell);
        _services = new LanguageServices(_workspace);
        _host.SessionBegins?.Invoke();
        BackgroundFailures.Install();
        CellDisplays.Subscribe();
        EngineWarmUp.Begin();
    }

    /// <summary>The folder that relative paths mean.</summary>
    public string WorkingDirectory { get; }

    /// <summary>The number of the last counted execution; 0 before the first.</summary>
    public int ExecutionCount { get; private set; }

    /// <summary>Answers what a cell asks its reader; null where nobody can answer, and asking is then an error of the cell.</summary>
    public CellInput? Input { get; init; }

    /// <summary>How long an interrupted cell may take to stop by itself before it is abandoned.</summary>
    public TimeSpan InterruptGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Called as each stage of a cell begins; a test puts a fault there.</summary>
    internal Action<CellStage>? StageBegins { get; set; }

    /// <summary>Runs a cell: compiles it upon the earlier ones, streams what it shows, and gives its last expression.</summary>
    /// <param name="code">The cell's text, commands such as <c>#r</c> included.</param>
    /// <param name="output">Receives every output as it comes, on any thread but never two at once.</param>
    /// <param name="storeHistory">False to leave <see cref="ExecutionCount"/> as it is; the cell itself runs the same.</param>
    /// <param name="cancellationToken">Interrupts the cell; it is also the token that <see cref="EngineHost.CellBegins"/> gets.</param>
    /// <returns>How the cell ended. Errors of the cell, and of the engine itself, are outputs and a status, never exceptions of this call.</returns>
    public async Task<CellResult> ExecuteAsync(string code, Action<CellOutput> output, bool storeHistory = true, CancellationToken cancellationToken = default)
    {
        await _oneAtATime.WaitAsync(CancellationToken.None);
        try
        {
            Stopwatch clock = Stopwatch.StartNew();
            ExecutionCount += storeHistory ? 1 : 0;
            OutputBuffer buffer = new(shown =>
            {
                StageBegins?.Invoke(CellStage.Deliver);
                output(shown);
            });
            CellContext context = new(buffer, cancellationToken, Input);
            _running = ProcessEnd.While(context);
            ErrorOutput? error = await RunAsync(code, context) ?? buffer.Fault;
            CellStatus status = error is null ? CellStatus.Succeeded : cancellationToken.IsCancellationRequested ? CellStatus.Cancelled : CellStatus.Failed;
            return new CellResult(status, ExecutionCount, error, clock.Elapsed);
        }
        finally
        {
            _running?.Dispose();
            _oneAtATime.Release();
        }
    }

    /// <summary>What may stand at a position of a cell: types, members, variables of earlier cells.</summary>
    /// <param name="code">The cell's text.</param>
    /// <param name="position">The cursor, an index of <paramref name="code"/> from 0 to its length.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public Task<Completions> CompleteAsync(string code, int position, CancellationToken cancellationToken = default) =>
        _services.CompleteAsync(code, position, cancellationToken);

    /// <summary>Signature and documentation of the symbol at a position, or null where there is none.</summary>
    /// <param name="code">The cell's text.</param>
    /// <param name="position">The cursor, an index of <paramref name="code"/> from 0 to its length.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public Task<Inspection?> InspectAsync(string code, int position, CancellationToken cancellationToken = default) =>
        _services.InspectAsync(code, position, cancellationToken);

    /// <summary>Whether a text can be run as it stands, for a console that decides what Enter means.</summary>
    public static Completeness IsComplete(string code) => Completeness.Of(code);

    /// <summary>Ends the session. What its cells still run in the background goes on until it ends by itself.</summary>
    public void Dispose()
    {
        _running?.Dispose();
        _thread.Dispose();
        _workspace.Dispose();
        _oneAtATime.Dispose();
    }

    private async Task<ErrorOutput?> RunAsync(string code, CellContext context)
    {
        CellConsole.Install();
        string name = $"Cell {Math.Max(1, ExecutionCount)}";
        IDisposable guard = CellGuard.ArmOn(context.Token);
        Task running = _thread.Run(async () =>
        {
            CellContext.Current = context;
            using IDisposable? scope = _host.CellBegins?.Invoke(context.Token);
            await _runner.RunAsync(code, name, context);
            return true;
        });
        ErrorOutput? error = null;
        if (await EndsInTimeAsync(running, context.Token))
        {
            guard.Dispose();
            error = await ErrorOfAsync(running, context.Token);
            if (error is not null)
            {
                context.Output.Publish(error);
            }

            context.Output.Flush();
            return error;
        }

        // The guard stays armed and the token cancelled: the abandoned code still ends if it ever comes to a check.
        error = Traceback.Interrupted([$"It did not stop within {InterruptGrace.TotalSeconds:0.#} s and was left behind: it may go on using the processor until the session ends."]);
        context.Output.Close(error);
        _thread.Dispose();
        _thread = new CellThread();
        return error;
    }

    // False when the cell was interrupted and did not stop within the grace.
    private async Task<bool> EndsInTimeAsync(Task running, CancellationToken token)
    {
        TaskCompletionSource interrupted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration registration = token.Register(interrupted.SetResult);
        if (await Task.WhenAny(running, interrupted.Task) == running)
        {
            return true;
        }

        return await Task.WhenAny(running, Task.Delay(InterruptGrace, CancellationToken.None)) == running;
    }

    private async Task<ErrorOutput?> ErrorOfAsync(Task ended, CancellationToken token)
    {
        try
        {
            await ended;
            return null;
        }
        catch (Exception exception)
        {
            return Describe(exception, token.IsCancellationRequested);
        }
    }

    // An exception may be of the author's own class, and its Message or StackTrace may throw in turn.
    private ErrorOutput Describe(Exception exception, bool isInterrupted)
    {
        try
        {
            StageBegins?.Invoke(CellStage.Describe);
            return isInterrupted ? Traceback.Interrupted(_traceback.Frames(exception)) : _traceback.Describe(exception);
        }
        catch (Exception second)
        {
            string name = exception.GetType().FullName!;
            string value = $"{name}, which could not be described: {second.GetType().FullName}";
            return new ErrorOutput(name, value, [value]);
        }
    }
}

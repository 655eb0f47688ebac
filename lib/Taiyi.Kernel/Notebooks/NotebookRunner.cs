using System.Diagnostics;
using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Notebooks;

/// <summary>Runs notebooks without a front end, in this process, and writes them with their outputs.</summary>
/// <remarks>
/// While a notebook runs, the current directory of the process is the notebook's folder, as in VS Code and JupyterLab.
/// Every notebook has a session of its own.
/// </remarks>
/// <param name="options">How they are run.</param>
/// <param name="host">What the program around wants done in every session; null for nothing.</param>
public sealed class NotebookRunner(NotebookRunOptions options, EngineHost? host = null)
{
    private static readonly string[] CSharpNames = ["csharp", "c#", ".net-csharp", "polyglot-notebook"];

    /// <summary>Runs a notebook, or all notebooks of a folder and its subfolders in the order of their paths.</summary>
    /// <param name="path">An .ipynb file or a folder.</param>
    /// <param name="progress">Hears of every code cell that begins or ends.</param>
    /// <param name="cancellationToken">
    /// Interrupts the run; the notebook that was running is then left as it was on disk, and written as far as it came where the
    /// output is another file.
    /// </param>
    /// <returns>One result for each notebook; a notebook that fails does not keep the next from running.</returns>
    /// <exception cref="NotebookException">There is nothing to run at the path.</exception>
    public async Task<IReadOnlyList<NotebookResult>> RunAsync(string path, IProgress<NotebookProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        List<NotebookResult> results = [];
        foreach ((string file, string output) in Plan(Path.GetFullPath(path)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            results.Add(await RunFileAsync(file, output, progress, cancellationToken));
        }

        return results;
    }

    private IEnumerable<(string File, string Output)> Plan(string path)
    {
        if (File.Exists(path))
        {
            string output = options.Output is null ? path : Path.GetFullPath(options.Output);
            return [(path, Directory.Exists(output) ? Path.Combine(output, Path.GetFileName(path)) : output)];
        }

        if (!Directory.Exists(path))
        {
            throw new NotebookException($"'{path}' is neither a notebook nor a folder of notebooks.");
        }

        string[] files = [.. Directory.EnumerateFiles(path, "*.ipynb", SearchOption.AllDirectories)
            .Where(file => !file.Contains(".ipynb_checkpoints", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];
        string root = options.Output is null ? path : Path.GetFullPath(options.Output);
        return files.Length == 0
            ? throw new NotebookException($"'{path}' has no .ipynb file in it.")
            : [.. files.Select(file => (file, Path.Combine(root, Path.GetRelativePath(path, file))))];
    }

    private async Task<NotebookResult> RunFileAsync(string file, string output, IProgress<NotebookProgress>? progress, CancellationToken cancellationToken)
    {
        Stopwatch clock = Stopwatch.StartNew();
        try
        {
            NotebookDocument notebook = NotebookDocument.Read(file);
            NotebookParameters.Inject(notebook, options.Parameters, file);
            RefuseOtherLanguages(notebook, file);
            List<NotebookCellResult> cells = await RunCellsAsync(notebook, file, output, progress, cancellationToken);
            if (cancellationToken.IsCancellationRequested && output != file)
            {
                notebook.Write(output); // what is finished is kept, and what was there is another file
            }

            cancellationToken.ThrowIfCancellationRequested();
            notebook.Write(output);
            NotebookCellResult? failed = options.AllowErrors ? null : cells.FirstOrDefault(cell => cell.Error is not null);
            string? problem = failed is null ? null : $"Cell {cells.IndexOf(failed) + 1} of '{file}': {failed.Error!.Name}: {failed.Error.Value}";
            return new NotebookResult(file, output, failed is null, problem, cells, clock.Elapsed);
        }
        catch (NotebookException exception)
        {
            return new NotebookResult(file, null, false, exception.Message, [], clock.Elapsed);
        }
    }

    private static void RefuseOtherLanguages(NotebookDocument notebook, string file)
    {
        string standard = notebook.Language ?? "C#";
        foreach ((int index, NotebookCell cell) in notebook.Cells.Index())
        {
            string language = cell.KernelName ?? standard;
            if (cell.IsCode && !CSharpNames.Contains(language.ToLowerInvariant()))
            {
                throw new NotebookException($"'{file}': cell {index + 1} is in {language}; only C# runs here.");
            }
        }
    }

    private async Task<List<NotebookCellResult>> RunCellsAsync(NotebookDocument notebook, string file, string output, IProgress<NotebookProgress>? progress, CancellationToken cancellationToken)
    {
        string folder = Path.GetDirectoryName(file)!;
        string previousFolder = Environment.CurrentDirectory;
        Environment.CurrentDirectory = folder;
        try
        {
            using CSharpEngine engine = new(folder, host);
            return await RunCellsAsync(engine, notebook, file, output, progress, cancellationToken);
        }
        finally
        {
            Environment.CurrentDirectory = previousFolder;
        }
    }

    private async Task<List<NotebookCellResult>> RunCellsAsync(CSharpEngine engine, NotebookDocument notebook, string file, string output, IProgress<NotebookProgress>? progress, CancellationToken cancellationToken)
    {
        (int Index, NotebookCell Cell)[] code = [.. notebook.Cells.Index().Where(pair => pair.Item.IsCode)];
        // Outputs of an earlier run must not stand beside those of this one when it stops halfway.
        foreach ((_, NotebookCell cell) in code)
        {
            cell.Outputs = [];
            cell.ExecutionCount = null;
        }

        OutputRecorder recorder = new();
        List<(NotebookCell Cell, OutputRecorder.Cell Outputs)> recorded = [];
        List<NotebookCellResult> results = [];
        ProcessEnd.Ending += KeepWhatIsDone;
        try
        {
            foreach ((int number, (int index, NotebookCell cell)) in code.Index())
            {
                progress?.Report(new NotebookProgress(file, number + 1, code.Length, null, TimeSpan.Zero));
                OutputRecorder.Cell outputs = recorder.Begin(engine.ExecutionCount + 1);
                recorded.Add((cell, outputs));
                CellResult result = await RunCellAsync(engine, cell, outputs, cancellationToken);
                cell.ExecutionCount = result.ExecutionCount;
                results.Add(new NotebookCellResult(index, cell.Id, result.Status, result.Elapsed, result.Error));
                progress?.Report(new NotebookProgress(file, number + 1, code.Length, result.Status, result.Elapsed));
                if (cancellationToken.IsCancellationRequested || (result.Error is not null && !options.AllowErrors))
                {
                    break;
                }
            }
        }
        finally
        {
            ProcessEnd.Ending -= KeepWhatIsDone;
        }

        StoreOutputs();
        return results;

        // At the end, not after each cell: a later cell may still update an output of an earlier one.
        void StoreOutputs()
        {
            foreach ((NotebookCell cell, OutputRecorder.Cell outputs) in recorded)
            {
                cell.Outputs = outputs.ToJson();
            }
        }

        void KeepWhatIsDone(ErrorOutput error)
        {
            recorded[^1].Cell.ExecutionCount = engine.ExecutionCount;
            StoreOutputs();
            notebook.Write(output);
            Console.Error.WriteLine($"Cell {recorded.Count} of '{file}': {error.Value}");
        }
    }

    private async Task<CellResult> RunCellAsync(CSharpEngine engine, NotebookCell cell, OutputRecorder.Cell outputs, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (options.CellTimeout is { } timeout)
        {
            limit.CancelAfter(timeout);
        }

        CellResult result = await engine.ExecuteAsync(cell.Source, Record, cancellationToken: limit.Token);
        return result.Error is { } error ? result with { Error = Explain(error) } : result;

        void Record(CellOutput output) => outputs.Add(output is ErrorOutput error ? Explain(error) : output);

        // The engine knows an interrupt only; that it was the clock is known here.
        ErrorOutput Explain(ErrorOutput error)
        {
            bool timedOut = limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested;
            string message = $"The cell ran longer than {options.CellTimeout?.TotalSeconds:0.#} s.";
            return timedOut ? new ErrorOutput(typeof(TimeoutException).FullName!, message, [message, .. error.Traceback.Skip(1)]) : error;
        }
    }
}

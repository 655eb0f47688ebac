using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Commands;
using Microsoft.DotNet.Interactive.CSharp;
using Microsoft.DotNet.Interactive.Events;
using Microsoft.DotNet.Interactive.Formatting;
using Microsoft.DotNet.Interactive.PackageManagement;

namespace Taiyi.Interactive.Tests;

/// <summary>The kernels of .NET Interactive in this process, put together as the host of VS Code Polyglot Notebooks does.</summary>
internal sealed class InteractiveHost : IDisposable
{
    private readonly CompositeKernel _kernel;

    public InteractiveHost()
    {
        CSharpKernel csharp = new CSharpKernel().UseKernelHelpers().UseNugetDirective((kernel, packages) =>
        {
            kernel.AddAssemblyReferences(packages.SelectMany(package => package.AssemblyPaths));
            return Task.CompletedTask;
        });
        _kernel = new CompositeKernel { csharp };
        _kernel.DefaultKernelName = csharp.Name;
    }

    /// <summary>Runs a cell and gives everything that happened.</summary>
    public async Task<CellRun> RunAsync(string code, CancellationToken cancellationToken = default)
    {
        KernelCommandResult result = await _kernel.SendAsync(new SubmitCode(code), cancellationToken);
        return new CellRun(result.Events);
    }

    /// <summary>Runs a cell, stops it when it has printed a word, as the Stop button does, and gives what happened.</summary>
    public async Task<CellRun> RunAndStopAsync(string code, string word)
    {
        TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using IDisposable listening = _kernel.KernelEvents.Subscribe(new Listener(happened =>
        {
            if (happened is DisplayEvent shown && shown.FormattedValues.Any(value => value.Value?.Contains(word, StringComparison.Ordinal) == true))
            {
                begun.TrySetResult();
            }
        }));
        Task<CellRun> running = RunAsync(code);
        await begun.Task.WaitAsync(TimeSpan.FromMinutes(20));
        await _kernel.SendAsync(new Cancel(_kernel.DefaultKernelName));
        return await running.WaitAsync(TimeSpan.FromMinutes(20));
    }

    public void Dispose() => _kernel.Dispose();

    private sealed class Listener(Action<KernelEvent> onNext) : IObserver<KernelEvent>
    {
        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }

        public void OnNext(KernelEvent value) => onNext(value);
    }
}

/// <summary>What a cell has shown.</summary>
internal sealed record CellRun(IReadOnlyList<KernelEvent> Events)
{
    /// <summary>The error of the cell, or null.</summary>
    public string? Error => Events.OfType<CommandFailed>().Select(failed => failed.Message).FirstOrDefault() ?? Events.OfType<ErrorProduced>().Select(error => error.Message).FirstOrDefault();

    /// <summary>What came on standard error, warnings of the compiler among it.</summary>
    public string Warnings => string.Concat(Events.OfType<StandardErrorValueProduced>().SelectMany(shown => shown.FormattedValues).Select(value => value.Value));

    /// <summary>Outputs in HTML, as they stand at the end: an update replaces what it names.</summary>
    public IReadOnlyList<string> Html
    {
        get
        {
            List<(string? Id, string Html)> shown = [];
            foreach (DisplayEvent display in Events.OfType<DisplayEvent>())
            {
                if (display.FormattedValues.FirstOrDefault(value => value.MimeType == HtmlFormatter.MimeType) is not { } html)
                {
                    continue;
                }

                int index = display is DisplayedValueUpdated ? shown.FindIndex(earlier => earlier.Id == display.ValueId) : -1;
                if (index >= 0)
                {
                    shown[index] = (display.ValueId, html.Value);
                }
                else
                {
                    shown.Add((display.ValueId, html.Value));
                }
            }

            return [.. shown.Select(one => one.Html)];
        }
    }

    /// <summary>The cell's value as text, or null.</summary>
    public string? Value => Events.OfType<ReturnValueProduced>().SelectMany(value => value.FormattedValues).FirstOrDefault(value => value.MimeType == PlainTextFormatter.MimeType)?.Value;
}

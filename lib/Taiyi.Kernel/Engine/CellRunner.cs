using System.Diagnostics;
using Microsoft.DotNet.Interactive.Formatting;

namespace Taiyi.Kernel.Engine;

/// <summary>Runs the parts of one cell after the other on the variables of all earlier cells.</summary>
/// <param name="references">What <c>#r</c> has named.</param>
/// <param name="workspace">Hears of every cell, for completion.</param>
/// <param name="workingDirectory">The folder of the notebook.</param>
/// <param name="entering">Called as each stage begins.</param>
internal sealed class CellRunner(ReferenceSet references, ScriptWorkspace workspace, string workingDirectory, Action<CellStage> entering)
{
    private readonly CellCompiler _compiler = new(references, workingDirectory);
    private readonly PackageExtensions _extensions = new(references.LoadContext);

    // What the compiler's submissions hand on: [0] is for a host's object, which there is none of, then one object a submission.
    private object?[] _submissions = new object?[16];
    private int _started;

    /// <summary>Runs a cell's text.</summary>
    /// <param name="code">The text.</param>
    /// <param name="name">What stack traces call it.</param>
    /// <param name="context">The cell.</param>
    public async Task RunAsync(string code, string name, CellContext context)
    {
        entering(CellStage.Parse);
        CellSource source = CellSource.Parse(code);
        long start = Stopwatch.GetTimestamp();
        foreach (CellPart part in source.Parts)
        {
            context.Token.ThrowIfCancellationRequested();
            switch (part)
            {
                case MarkdownPart markdown:
                    CellDisplays.ShowAs(markdown.Text, "text/markdown");
                    break;
                case ListingPart listing:
                    Show(listing.Kind);
                    break;
                case CodePart csharp:
                    await RunCodeAsync(csharp, name, context);
                    break;
            }
        }

        if (source.IsTimed)
        {
            CellDisplays.ShowAs($"Wall time: {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F1} ms", PlainTextFormatter.MimeType);
        }
    }

    private async Task RunCodeAsync(CodePart part, string name, CellContext context)
    {
        entering(CellStage.Refer);
        ResolvedPackages packages = references.Add(part, context.Token);
        foreach (ResolvedPackage package in packages.Named)
        {
            CellDisplays.ShowAs($"Installed {package.Name} {package.Version}", PlainTextFormatter.MimeType);
        }

        entering(CellStage.Extend);
        foreach (ResolvedPackage package in packages.All)
        {
            foreach (string script in await _extensions.LoadAsync(package, context))
            {
                await RunAsync(script, $"{package.Name} extension", context);
            }
        }

        entering(CellStage.Compile);
        CompiledCell cell = _compiler.Compile(part.Code, name, context.Token);
        if (++_started + 1 >= _submissions.Length)
        {
            Array.Resize(ref _submissions, 2 * _submissions.Length);
        }

        entering(CellStage.Remember);
        workspace.Add(part.Code);
        entering(CellStage.Run);
        object? value = await cell.Start(_submissions);
        entering(CellStage.Format);
        // display(x) at the end of a cell has already shown its value.
        if (cell.HasResult && value is not DisplayedValue)
        {
            context.Output.Publish(new ResultOutput(MimeBundle.FromObject(value)));
        }
    }

    private void Show(Listing kind)
    {
        switch (kind)
        {
            case Listing.Commands:
                ShowLines(CellSource.Commands.Select(command => $"{command.Name}  {command.Meaning}"));
                break;
            case Listing.Names:
                ShowLines(ScriptVariables.Of(_submissions).Select(variable => variable.Name));
                break;
            case Listing.Variables:
                CellDisplays.Show(ScriptVariables.Of(_submissions), [HtmlFormatter.MimeType, PlainTextFormatter.MimeType]);
                break;
        }
    }

    private static void ShowLines(IEnumerable<string> lines) => CellDisplays.ShowAs(string.Join('\n', lines), PlainTextFormatter.MimeType);
}

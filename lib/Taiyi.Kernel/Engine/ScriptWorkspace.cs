using System.Collections.Concurrent;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Host.Mef;
using Microsoft.CodeAnalysis.Text;

namespace Taiyi.Kernel.Engine;

/// <summary>The cells of a notebook as a chain of documents, for completion and inspection. Nothing is built before it is first asked.</summary>
/// <param name="references">What <c>#r</c> has named.</param>
internal sealed class ScriptWorkspace(ReferenceSet references) : IDisposable
{
    private readonly Lazy<AdhocWorkspace> _workspace = new(() => new AdhocWorkspace(MefHostServices.DefaultHost));
    private readonly ConcurrentQueue<string> _waiting = [];
    private readonly SemaphoreSlim _oneAtATime = new(1, 1);
    private readonly Lazy<ChainReferences> _chain = new(() => new ChainReferences(references, FrameworkReferences.Documented));
    private ProjectId? _last;
    private int _count;

    /// <summary>Takes in the code of a cell that ran.</summary>
    public void Add(string code) => _waiting.Enqueue(code);

    /// <summary>Asks something of a document with this code that sees all cells so far; one question at a time.</summary>
    public async Task<T> AskAsync<T>(string code, Func<Document, Task<T>> question, CancellationToken cancellationToken)
    {
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            await TakeInAsync(cancellationToken);
            (Solution fork, _, DocumentId document) = Chain(_workspace.Value.CurrentSolution, code);
            return await question(fork.GetDocument(document)!);
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    // The compilation of the last cell is asked for here, in the solution that every later document starts from: asked for in a
    // document's own copy it would be lost with that copy and done again for each keystroke.
    private async Task TakeInAsync(CancellationToken cancellationToken)
    {
        Solution solution = _workspace.Value.CurrentSolution;
        while (_waiting.TryDequeue(out string? code))
        {
            (solution, _last, _) = Chain(solution, code);
            _chain.Value.MarkKnown();
        }

        _workspace.Value.TryApplyChanges(solution);
        if (_last is not null)
        {
            await _workspace.Value.CurrentSolution.GetProject(_last)!.GetCompilationAsync(cancellationToken);
        }
    }

    public void Dispose()
    {
        if (_workspace.IsValueCreated)
        {
            _workspace.Value.Dispose();
        }

        _oneAtATime.Dispose();
    }

    private (Solution Solution, ProjectId Project, DocumentId Document) Chain(Solution solution, string code)
    {
        string name = $"Cell#{++_count}";
        ProjectId project = ProjectId.CreateNewId(name);
        DocumentId document = DocumentId.CreateNewId(project, name);
        CSharpCompilationOptions options = new(
            OutputKind.DynamicallyLinkedLibrary,
            scriptClassName: $"Submission#{_count}",
            usings: _last is null ? CellCompiler.Imports : [],
            allowUnsafe: true,
            metadataReferenceResolver: _chain.Value);
        solution = solution.AddProject(ProjectInfo.Create(
            project,
            VersionStamp.Create(),
            name,
            assemblyName: name,
            LanguageNames.CSharp,
            compilationOptions: options,
            parseOptions: CellCompiler.ParseOptions,
            projectReferences: _last is null ? [] : [new ProjectReference(_last)],
            metadataReferences: _chain.Value.New(),
            isSubmission: true));
        solution = solution.AddDocument(DocumentInfo.Create(
            document,
            name,
            sourceCodeKind: SourceCodeKind.Script,
            loader: TextLoader.From(TextAndVersion.Create(SourceText.From(code), VersionStamp.Create()))));
        return (solution, project, document);
    }
}

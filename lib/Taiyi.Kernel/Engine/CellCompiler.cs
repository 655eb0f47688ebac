using System.Collections.Immutable;
using System.Reflection;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Emit;
using Microsoft.CodeAnalysis.Scripting;
using Microsoft.CodeAnalysis.Text;

namespace Taiyi.Kernel.Engine;

/// <summary>Compiles cells one upon the other: each sees the variables, functions and types of those before it.</summary>
/// <param name="references">What <c>#r</c> has named.</param>
/// <param name="workingDirectory">The folder that <c>#load</c> means.</param>
internal sealed class CellCompiler(ReferenceSet references, string workingDirectory)
{
    // The imports of .NET Interactive's C# kernel, no fewer and no more: a notebook that runs here runs there.
    internal static readonly ImmutableArray<string> Imports =
    [
        "System",
        "System.Text",
        "System.Collections",
        "System.Collections.Generic",
        "System.Threading.Tasks",
        "System.Linq",
        "Microsoft.DotNet.Interactive.Kernel",
    ];

    internal static readonly CSharpParseOptions ParseOptions = new(LanguageVersion.Latest, kind: SourceCodeKind.Script);

    private static readonly EmitOptions EmitOptions = new(
        debugInformationFormat: DebugInformationFormat.PortablePdb,
        instrumentationKinds: [InstrumentationKind.StackOverflowProbing]);

    private readonly SourceFileResolver _files = new([], workingDirectory);
    private readonly ChainReferences _chain = new(references, FrameworkReferences.Default);
    private CSharpCompilation? _previous;
    private int _count;

    /// <summary>The compilation that the next cell builds upon, or null before the first.</summary>
    internal CSharpCompilation? Last => _previous;

    /// <summary>Compiles a cell; later cells see it from now on.</summary>
    /// <param name="code">C# script.</param>
    /// <param name="name">What stack traces call the cell, for example "Cell 3".</param>
    /// <param name="cancellationToken">Ends the compilation.</param>
    /// <exception cref="CompilationErrorException">The cell does not compile.</exception>
    public CompiledCell Compile(string code, string name, CancellationToken cancellationToken)
    {
        _count++;
        CSharpCompilation plain = Compilation(code, name);
        SyntaxTree tree = CellTree(plain, name);
        string guarded = CellInstrumentation.Apply(tree, () => plain.GetSemanticModel(tree));
        if (tree.GetCompilationUnitRoot(cancellationToken).Members.Count == 0)
        {
            // A script of comments or usings alone has no method, and the compiler refuses to emit symbols for it.
            guarded = code + "\n;";
        }

        CSharpCompilation compilation = guarded.Length == code.Length ? plain : Compilation(guarded, name);
        MemoryStream assembly = new();
        MemoryStream symbols = new();
        if (!compilation.Emit(assembly, symbols, options: EmitOptions, cancellationToken: cancellationToken).Success)
        {
            // The messages must speak of the text as it was written; and what compiles as written must run, guarded or not.
            compilation = plain;
            assembly = new();
            symbols = new();
            EmitResult emitted = plain.Emit(assembly, symbols, options: EmitOptions, cancellationToken: cancellationToken);
            if (!emitted.Success)
            {
                ImmutableArray<Diagnostic> errors = [.. emitted.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)];
                throw new CompilationErrorException(errors[0].GetMessage(), errors);
            }
        }

        _previous = compilation;
        _chain.MarkKnown();
        assembly.Position = 0;
        symbols.Position = 0;
        IMethodSymbol entry = compilation.GetEntryPoint(cancellationToken)!;
        MethodInfo method = references.LoadContext.LoadCell(assembly, symbols)
            .GetType(entry.ContainingType.MetadataName, throwOnError: true)!
            .GetMethod(entry.MetadataName, BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)!;
        return new CompiledCell(method.CreateDelegate<Func<object?[], Task<object?>>>(), HasResult(compilation, CellTree(compilation, name)));
    }

    // References and imports are inherited from cell to cell. Repeating them would cost time and memory that grow with the
    // square of the number of cells.
    private CSharpCompilation Compilation(string code, string name)
    {
        CSharpCompilationOptions options = new(
            OutputKind.DynamicallyLinkedLibrary,
            scriptClassName: $"Submission#{_count}",
            usings: _previous is null ? Imports : [],
            optimizationLevel: OptimizationLevel.Release,
            allowUnsafe: true,
            metadataReferenceResolver: _chain,
            sourceReferenceResolver: _files,
            // Packages built against older framework assemblies bind to those of today.
            assemblyIdentityComparer: DesktopAssemblyIdentityComparer.Default);
        SyntaxTree tree = CSharpSyntaxTree.ParseText(SourceText.From(code, Encoding.UTF8), ParseOptions, path: name);
        return CSharpCompilation.CreateScriptCompilation($"Cell#{_count}", tree, _chain.New(), options, _previous, typeof(object));
    }

    // The files of #load are trees of the compilation too.
    private static SyntaxTree CellTree(CSharpCompilation compilation, string name) =>
        compilation.SyntaxTrees.Single(tree => tree.FilePath == name);

    // A cell has a value when it ends in an expression without a semicolon, or returns one.
    private static bool HasResult(CSharpCompilation compilation, SyntaxTree tree)
    {
        CompilationUnitSyntax root = tree.GetCompilationUnitRoot();
        bool returns = root.DescendantNodes(node => node is CompilationUnitSyntax or GlobalStatementSyntax or StatementSyntax and not LocalFunctionStatementSyntax)
            .Any(node => node is ReturnStatementSyntax { Expression: not null });
        return returns
            || (root.Members.LastOrDefault() is GlobalStatementSyntax { Statement: ExpressionStatementSyntax { SemicolonToken.IsMissing: true } last }
                && compilation.GetSemanticModel(tree).GetTypeInfo(last.Expression).ConvertedType is not { SpecialType: SpecialType.System_Void });
    }
}

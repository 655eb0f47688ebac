using Microsoft.CodeAnalysis;
using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Tests.Engine;

/// <summary>
/// One core library in one notebook. Roslyn keeps the symbols that it makes of a file with the metadata object that was read:
/// two chains of submissions on one object, bound at once, once left cells whose <c>List&lt;int&gt;</c> was not that of the cell before.
/// </summary>
public sealed class SymbolTests
{
    [Fact]
    public void No_two_chains_of_cells_share_the_symbols_of_a_library()
    {
        CellCompiler first = Compiler(), second = Compiler();
        first.Compile("var a = new List<int>();", "Cell 1", TestContext.Current.CancellationToken);
        second.Compile("var a = new List<int>();", "Cell 1", TestContext.Current.CancellationToken);

        // The first chain is alive: on a shared metadata object the second would have taken up its symbols.
        Assert.NotSame(Library(first), Library(second));
    }

    [Fact]
    public void Every_cell_of_a_chain_has_the_symbols_of_the_cell_before()
    {
        CellCompiler compiler = Compiler();
        compiler.Compile("var a = new List<int>();", "Cell 1", TestContext.Current.CancellationToken);
        IAssemblySymbol library = Library(compiler);
        compiler.Compile("while (a.Count < 1) a.Add(1);", "Cell 2", TestContext.Current.CancellationToken); // compiled twice: as written, with checks
        Assert.Same(library, Library(compiler));
    }

    [Fact]
    public async Task Notebooks_that_begin_at_once_hand_their_types_from_cell_to_cell()
    {
        const int Notebooks = 16;
        using Barrier start = new(Notebooks);
        ErrorOutput?[] errors = await Task.WhenAll(Enumerable.Range(0, Notebooks).Select(_ => Task.Factory.StartNew(
            () =>
            {
                using Session session = new();
                start.SignalAndWait(TestContext.Current.CancellationToken);
                session.RunAsync("class A { public List<int> L = []; }\nvar made = new List<int> { 1 };", TestContext.Current.CancellationToken).GetAwaiter().GetResult();
                session.RunAsync("List<int> taken = made; List<int> inside = new A { L = made }.L; taken.Count", TestContext.Current.CancellationToken).GetAwaiter().GetResult();
                return session.Error;
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));
        Assert.All(errors, error => Assert.True(error is null, error?.Value));
    }

    private static CellCompiler Compiler() => new(new ReferenceSet(Path.GetTempPath()), Path.GetTempPath());

    private static IAssemblySymbol Library(CellCompiler compiler) => compiler.Last!.GetSpecialType(SpecialType.System_Object).ContainingAssembly;
}

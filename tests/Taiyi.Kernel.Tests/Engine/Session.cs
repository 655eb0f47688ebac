using Taiyi.Cpu;
using Taiyi.Files;
using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Tests.Engine;

/// <summary>An engine in a folder of its own, with what its last cell showed.</summary>
internal sealed class Session : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("taiyi-engine-");

    // The host of the command: tensors load, and an interrupt reaches the library.
    private static readonly EngineHost Host = new() { SessionBegins = NativeLibraryResolver.Register, CellBegins = Interruption.Use };

    public Session(TimeSpan? interruptGrace = null, CellInput? input = null) =>
        Engine = new CSharpEngine(_folder.FullName, Host) { InterruptGrace = interruptGrace ?? TimeSpan.FromSeconds(5), Input = input };

    public CSharpEngine Engine { get; }

    public string Folder => _folder.FullName;

    public List<CellOutput> Outputs { get; } = [];

    /// <summary>The error of the last cell, or null.</summary>
    public ErrorOutput? Error => Outputs.OfType<ErrorOutput>().SingleOrDefault();

    /// <summary>The text form of the last cell's value, or null when it has none.</summary>
    public string? Result => Outputs.OfType<ResultOutput>().SingleOrDefault()?.Data.PlainText;

    public string Text(string stream = "stdout") => string.Concat(Outputs.OfType<StreamOutput>().Where(output => output.Name == stream).Select(output => output.Text));

    public IEnumerable<DisplayOutput> Displays => Outputs.OfType<DisplayOutput>();

    public async Task<CellResult> RunAsync(string code, CancellationToken cancellationToken = default)
    {
        Outputs.Clear();
        return await Engine.ExecuteAsync(code, Outputs.Add, cancellationToken: cancellationToken);
    }

    /// <summary>Runs a cell that must succeed and gives the text form of its value.</summary>
    public async Task<string?> ValueOfAsync(string code)
    {
        await RunAsync(code, TestContext.Current.CancellationToken);
        Assert.True(Error is null, string.Join('\n', Error?.Traceback ?? []));
        return Result;
    }

    public void Write(string file, string text) => File.WriteAllText(Path.Combine(Folder, file), text);

    public void Dispose()
    {
        Engine.Dispose();
        _folder.Delete(recursive: true);
    }
}

namespace Taiyi.Kernel.Engine;

/// <summary>Compiles, runs and formats a trivial cell in the background, so that the author's first one finds the compiler ready.</summary>
internal static class EngineWarmUp
{
    private static readonly Lazy<Task> Once = new(() => Task.Run(RunAsync));

    /// <summary>Begins the warm-up of this process if it has not begun.</summary>
    public static void Begin() => _ = Once.Value;

    private static async Task RunAsync()
    {
        ReferenceSet references = new(Path.GetTempPath());
        CompiledCell cell = new CellCompiler(references, Path.GetTempPath()).Compile("using System.IO;\nint[] numbers = [1, 2];\nnumbers.Sum(n => n)", "Cell 0", CancellationToken.None);
        _ = MimeBundle.FromObject(await cell.Start(new object?[4]));
    }
}

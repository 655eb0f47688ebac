using System.Text.Json;

namespace Taiyi.Cli.Tests;

/// <summary>The kernel itself runs under real clients in Taiyi.Kernel.Tests.</summary>
public sealed class KernelCommandsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Install_writes_a_kernel_that_calls_kernel_run()
    {
        CommandResult result = CommandProcess.Run(_folder.Path, "kernel", "install", "--prefix", "env", "--name", "mine");

        Assert.True(result.ExitCode == 0, result.Error);
        string kernel = Path.Combine("env", "share", "jupyter", "kernels", "mine");
        Assert.Contains(kernel, result.Output, StringComparison.Ordinal);
        JsonElement[] argv = [.. JsonDocument.Parse(File.ReadAllText(_folder.File(Path.Combine(kernel, "kernel.json")))).RootElement.GetProperty("argv").EnumerateArray()];
        Assert.Equal(["kernel", "run", "{connection_file}"], argv[^3..].Select(argument => argument.GetString()));
        Assert.Single(Directory.GetFileSystemEntries(_folder.File(kernel)));
    }

    [Fact]
    public void Faults_are_one_sentence()
    {
        CommandProcess.Run(_folder.Path, "kernel", "install", "--prefix", "env", "--name", "a b").AssertFailsWith("'a b' is no kernel name");
        CommandProcess.Run(_folder.Path, "kernel", "install", "--prefix", "env", "--user").AssertFailsWith("--user and --prefix exclude each other");
        CommandProcess.Run(_folder.Path, "kernel", "run", "missing.json").AssertFailsWith("'missing.json' cannot be read");
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }
}

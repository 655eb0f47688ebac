using System.Text.Json.Nodes;
using Taiyi.Kernel.Jupyter;

namespace Taiyi.Kernel.Tests.Jupyter;

public sealed class KernelSpecTests : IDisposable
{
    private readonly string _prefix = Directory.CreateTempSubdirectory("taiyi-kernelspec-").FullName;

    public void Dispose() => Directory.Delete(_prefix, recursive: true);

    [Fact]
    public void The_kernel_is_installed_under_the_name_that_NET_Interactive_notebooks_hold()
    {
        string folder = KernelSpec.Install("Taiyi.Cli.dll", _prefix);

        Assert.Equal(Path.Combine(_prefix, "share", "jupyter", "kernels", ".net-csharp"), folder);
        JsonObject spec = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "kernel.json")))!.AsObject();
        string[] arguments = [.. spec["argv"]!.AsArray().Select(argument => (string)argument!)];
        Assert.Equal([Path.GetFullPath("Taiyi.Cli.dll"), "kernel", "run", "{connection_file}"], arguments[1..]);
        Assert.True(File.Exists(arguments[0]), arguments[0]);
        Assert.Equal(("C#", "message"), ((string?)spec["language"], (string?)spec["interrupt_mode"]));
        Assert.Single(Directory.GetFiles(folder));
    }

    [Fact]
    public void An_own_kernel_is_replaced_and_a_foreign_one_only_on_demand()
    {
        string file = Path.Combine(KernelSpec.Install("old.dll", _prefix), "kernel.json");
        KernelSpec.Install("new.dll", _prefix);
        Assert.Contains("new.dll", File.ReadAllText(file));

        const string Foreign = "{\"argv\": [\"dotnet-interactive\", \"jupyter\", \"{connection_file}\"], \"language\": \"C#\"}";
        File.WriteAllText(file, Foreign);
        JupyterException refused = Assert.Throws<JupyterException>(() => KernelSpec.Install("new.dll", _prefix));
        Assert.Contains("--overwrite", refused.Message);
        Assert.Equal(Foreign, File.ReadAllText(file));

        KernelSpec.Install("new.dll", _prefix, overwrite: true);
        Assert.Contains("new.dll", File.ReadAllText(file));
    }

    [Theory]
    [InlineData("")]
    [InlineData("C# kernel")]
    [InlineData("../elsewhere")]
    public void A_name_that_Jupyter_would_not_find_is_refused(string name) =>
        Assert.Contains("--name", Assert.Throws<JupyterException>(() => KernelSpec.Install("Taiyi.Cli.dll", _prefix, name)).Message);
}

using System.Text.Json.Nodes;
using Taiyi.Kernel.Jupyter;

namespace Taiyi.Kernel.Tests.Jupyter;

public sealed class KernelSpecTests : IDisposable
{
    private readonly string _prefix = Directory.CreateTempSubdirectory("taiyi-kernelspec-").FullName;

    public void Dispose() => Directory.Delete(_prefix, recursive: true);

    [Fact]
    public void The_kernel_is_installed_under_a_name_of_its_own_beside_that_of_NET_Interactive()
    {
        string theirs = Path.Combine(Directory.CreateDirectory(Path.Combine(_prefix, "share", "jupyter", "kernels", ".net-csharp")).FullName, "kernel.json");
        File.WriteAllText(theirs, "{\"display_name\": \".NET (C#)\"}");

        string folder = KernelSpec.Install("Taiyi.Cli.dll", _prefix);

        Assert.Equal(Path.Combine(_prefix, "share", "jupyter", "kernels", "taiyi-csharp"), folder);
        Assert.Equal("{\"display_name\": \".NET (C#)\"}", File.ReadAllText(theirs));
        JsonObject spec = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "kernel.json")))!.AsObject();
        string[] arguments = [.. spec["argv"]!.AsArray().Select(argument => (string)argument!)];
        Assert.Equal([Path.GetFullPath("Taiyi.Cli.dll"), "kernel", "run", "{connection_file}"], arguments[1..]);
        Assert.True(File.Exists(arguments[0]), arguments[0]);
        Assert.Equal("C# (Taiyi)", (string?)spec["display_name"]);
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

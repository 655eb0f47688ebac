using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Taiyi.Files;

namespace Taiyi.Kernel.Tests.Engine;

public sealed class ReferenceTests : IDisposable
{
    private readonly Session _session = new();

    public void Dispose() => _session.Dispose();

    [Fact]
    public async Task A_library_is_found_relative_to_the_notebook_with_what_lies_beside_it()
    {
        string inner = BuildLibrary("Inner", "public class Inner { public int Value => 21; }");
        BuildLibrary("Outer", "public class Outer { public int Twice() => 2 * new Inner().Value; public Inner Inner => new(); }", inner);
        Assert.Equal("42", await _session.ValueOfAsync("#r \"library/Outer.dll\"\nnew Outer().Twice()"));
        Assert.Equal("21", await _session.ValueOfAsync("new Outer().Inner.Value"));
        await _session.RunAsync("new Inner()", TestContext.Current.CancellationToken);
        Assert.Contains("CS0246", _session.Error!.Value, StringComparison.Ordinal);
        Assert.Equal("21", await _session.ValueOfAsync("#r \"library/Inner.dll\"\nnew Inner().Value"));
    }

    [Fact]
    public async Task A_missing_library_is_named_with_the_path_that_was_tried()
    {
        await _session.RunAsync("#r \"library/None.dll\"\n1", TestContext.Current.CancellationToken);
        Assert.StartsWith($"#r \"library/None.dll\": no file '{Path.Combine(_session.Folder, "library", "None.dll")}'", _session.Error!.Value, StringComparison.Ordinal);
        _session.Write("text.dll", "no assembly");
        await _session.RunAsync("#r \"text.dll\"", TestContext.Current.CancellationToken);
        Assert.Contains("not a .NET assembly", _session.Error!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_copy_of_a_library_of_the_host_is_the_host_s_own()
    {
        string copy = Path.Combine(_session.Folder, "Taiyi.dll");
        File.Copy(typeof(Interruption).Assembly.Location, copy);
        await _session.ValueOfAsync("#r \"Taiyi.dll\"");
        Assert.Equal(typeof(Interruption).Assembly.Location, await _session.ValueOfAsync("typeof(Taiyi.Files.Interruption).Assembly.Location"));
        Assert.Equal("True", await _session.ValueOfAsync("Taiyi.Files.Interruption.Token.CanBeCanceled || true"));
    }

    [Fact]
    public async Task Tensors_work_in_a_cell_and_an_error_of_the_native_library_is_an_error_of_the_cell()
    {
        await _session.ValueOfAsync("#r \"TorchSharp\"\nusing TorchSharp;\nusing static TorchSharp.torch;\nvar ones = torch.ones(2, 3);");
        Assert.Equal("6", await _session.ValueOfAsync("ones.sum().item<float>()"));
        // Not matmul: TorchSharp 0.107 does not catch that one's errors, and the process ends.
        await _session.RunAsync("ones.reshape(5)", TestContext.Current.CancellationToken);
        Assert.Contains("shape '[5]' is invalid for input of size 6", _session.Error!.Value, StringComparison.Ordinal);
        await _session.ValueOfAsync("ones.Dispose();");
    }

    [Fact]
    public async Task A_feed_may_be_a_folder_beside_the_notebook()
    {
        await _session.RunAsync("#i \"nuget: no-such-folder\"\n#r \"nuget: Taiyi.No.Such.Package, 2.0.0\"", TestContext.Current.CancellationToken);
        Assert.Contains(Path.Combine(_session.Folder, "no-such-folder"), _session.Error!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_framework_assembly_is_found_by_name()
    {
        Assert.Equal("<a />", await _session.ValueOfAsync("#r \"System.Xml.Linq\"\nnew System.Xml.Linq.XElement(\"a\").ToString()"));
    }

    [Fact]
    public async Task A_package_is_restored_and_the_second_time_taken_from_the_cache()
    {
        Assert.Equal("{\"a\":1}", await _session.ValueOfAsync("#r \"nuget: Newtonsoft.Json, 13.0.4\"\nNewtonsoft.Json.JsonConvert.SerializeObject(new { a = 1 })"));
        Assert.Equal("Installed Newtonsoft.Json 13.0.4", Assert.Single(_session.Displays).Data.PlainText);
        using Session second = new();
        Assert.Equal("[1]", await second.ValueOfAsync("#r \"nuget:Newtonsoft.Json,13.0.4\"\nNewtonsoft.Json.JsonConvert.SerializeObject(new[] { 1 })"));
    }

    [Fact]
    public async Task A_package_without_a_version_is_the_newest_and_the_native_part_of_a_package_loads()
    {
        await _session.ValueOfAsync("#r \"nuget: Microsoft.Data.Sqlite\"");
        string? version = await _session.ValueOfAsync(
            "using Microsoft.Data.Sqlite;\nusing (var connection = new SqliteConnection(\"Data Source=:memory:\"))\n{\n    connection.Open();\n    return connection.ServerVersion;\n}");
        Assert.Matches(@"^3\.\d+\.\d+$", version);
    }

    [Fact]
    public async Task A_package_that_does_not_exist_is_an_error_with_what_NuGet_said_and_leaves_the_session_as_it_was()
    {
        Directory.CreateDirectory(Path.Combine(_session.Folder, "feed"));
        _session.Write("NuGet.config", "<configuration><packageSources><clear /><add key=\"local\" value=\"feed\" /></packageSources></configuration>");
        for (int attempt = 0; attempt < 2; attempt++)
        {
            await _session.RunAsync("#r \"nuget: Taiyi.No.Such.Package, 1.0.0\"", TestContext.Current.CancellationToken);
            Assert.Contains("NU1101", _session.Error!.Value, StringComparison.Ordinal);
            Assert.Contains("Taiyi.No.Such.Package", _session.Error.Value, StringComparison.Ordinal);
        }

        Assert.Equal("2", await _session.ValueOfAsync("1 + 1"));
    }

    [Fact]
    public async Task Malformed_references_say_how_to_write_them()
    {
        await _session.RunAsync("#r \"nuget: a b c\"", TestContext.Current.CancellationToken);
        Assert.Contains("write #r \"nuget: Name, Version\"", _session.Error!.Value, StringComparison.Ordinal);
        await _session.RunAsync("#i \"feed\"", TestContext.Current.CancellationToken);
        Assert.Contains("write #i \"nuget:", _session.Error!.Value, StringComparison.Ordinal);
    }

    private string BuildLibrary(string name, string code, params string[] references)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_session.Folder, "library")).FullName;
        string path = Path.Combine(folder, name + ".dll");
        MetadataReference[] all = [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(file => Path.GetFileName(file) is "System.Private.CoreLib.dll" or "System.Runtime.dll")
            .Concat(references)
            .Select(file => MetadataReference.CreateFromFile(file))];
        CSharpCompilation compilation = CSharpCompilation.Create(name, [CSharpSyntaxTree.ParseText(code)], all, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        Assert.True(compilation.Emit(path).Success);
        return path;
    }
}

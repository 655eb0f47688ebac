using System.Text.Json.Nodes;

namespace Taiyi.Interactive.Tests;

/// <summary>Jupyter Notebook in a headless Chromium, with either kernel behind it, used as a reader uses it.</summary>
[Collection(Jupyter.OneAtATime)]
public sealed class FrontEndTests : IDisposable
{
    private static readonly string Scripts = Path.Combine(Repository.Root, "tests", "Taiyi.Interactive.Tests", "Browser");
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-front-end-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("taiyi-csharp", true)]
    [InlineData(".net-csharp", false)] // over Jupyter its kernel cannot be stopped in a cell
    public void Pictures_charts_a_live_training_and_completion_are_on_the_page(string kernel, bool canStop)
    {
        Jupyter.InstallKernels(_folder);
        JsonObject seen = Drive(kernel, canStop);

        Assert.Empty(Texts(seen["errors"]));
        Assert.Empty(Texts(seen["warnings"]));
        Assert.True(!canStop || Texts(seen["dialogs"]).Length == 0, $"The page said: {seen["dialogs"]}"); // of theirs, that process may end between two cells
        // .NET Interactive's page asks the kernel's own web interface, on every address of this machine; nothing else asks for anything.
        Assert.DoesNotContain(Texts(seen["foreignRequests"]), address => canStop || (!address.EndsWith("/discovery", StringComparison.Ordinal) && !address.EndsWith("/resources/dotnet-interactive.js", StringComparison.Ordinal)));
        Assert.True((int)seen["picture"]![0]![0]! >= 64 && (int)seen["picture"]![0]![1]! >= 64, seen["picture"]!.ToJsonString());
        Assert.Equal(2, (int)seen["lines"]!); // drawn by plotly.js, one path a line
        string[] live = Texts(seen["live"]);
        Assert.Equal("step 12 of 12", live[^1]);
        Assert.True(live.Length > 2, $"The training was seen to move {live.Length} times: {string.Join(", ", live)}");
        Assert.Contains("the last of all", (string?)seen["last"], StringComparison.Ordinal);
        Assert.Contains(Texts(seen["completions"]), completion => completion.StartsWith("WriteLine", StringComparison.Ordinal)); // theirs puts "($1)" behind a method
        if (canStop)
        {
            Assert.Contains("interrupted", (string?)seen["stopped"], StringComparison.Ordinal);
            Assert.Contains("still here", (string?)seen["after"], StringComparison.Ordinal);
        }
    }

    private JsonObject Drive(string kernel, bool canStop)
    {
        if (!Directory.Exists(Path.Combine(Scripts, "node_modules")) || !File.Exists("/usr/bin/chromium") || !File.Exists("/usr/bin/python3"))
        {
            const string Missing = "This test needs Debian's packages chromium, jupyter-notebook and nodejs, and `npm ci` in tests/Taiyi.Interactive.Tests/Browser.";
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", Missing);
            Assert.Skip(Missing);
        }

        Environment.SetEnvironmentVariable("PRESS_STOP", canStop ? "yes" : "no");
        string printed = Jupyter.Run("node", Path.Combine(Scripts, "front_end.mjs"), kernel, Repository.Library, _folder, Path.Combine(Repository.Root, "data"));
        return JsonNode.Parse(printed)!.AsObject();
    }

    private static string[] Texts(JsonNode? array) => [.. array!.AsArray().Select(text => (string)text!)];
}

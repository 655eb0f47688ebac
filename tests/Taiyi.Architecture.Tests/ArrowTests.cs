using ArchUnitNET.Loader;
using ArchUnitNET.xUnitV3;
using static ArchUnitNET.Fluent.ArchRuleDefinition;

namespace Taiyi.Architecture.Tests;

/// <summary>What may refer to what, as lib/README.md draws it: between the projects, and between the folders of lib/Taiyi.</summary>
public sealed class ArrowTests
{
    private static readonly ArchUnitNET.Domain.Architecture Library = new ArchLoader().LoadAssemblies(
        typeof(Cpu.NativeLibraryResolver).Assembly,
        typeof(StableDiffusionPipeline).Assembly,
        typeof(Distributed.Launcher).Assembly,
        typeof(Workshop.Pretraining.Pretrainer).Assembly,
        typeof(Display.Notebook).Assembly,
        typeof(Kernel.Jupyter.JupyterKernel).Assembly,
        System.Reflection.Assembly.Load("Taiyi.Cli")).Build();

    // Everything in a namespace and below it.
    private const string Below = @"(\..*)?$";

    public static TheoryData<string, string> ForbiddenArrows => new()
    {
        // Between the projects: Cli -> Distributed, Workshop, Kernel, Display -> Taiyi -> Taiyi.Cpu.
        { "Taiyi.Cpu", "Taiyi.(Files|Models|Schedulers|Data|Snapshots|Lora|Training|Evaluation|Batches|Distributed|Workshop|Display|Kernel|Cli)" },
        { "Taiyi.(Files|Models|Schedulers|Data|Snapshots|Lora|Training|Evaluation|Batches)", "Taiyi.(Distributed|Workshop|Display|Kernel|Cli)" },
        { "Taiyi", "Taiyi.(Training|Evaluation|Batches|Distributed|Workshop|Display|Kernel|Cli)" },
        { "Taiyi.Distributed", "Taiyi.(Workshop|Display|Kernel|Cli)" },
        { "Taiyi.Workshop", "Taiyi.(Distributed|Display|Kernel|Cli)" },
        { "Taiyi.Display", "Taiyi.(Distributed|Workshop|Kernel|Cli)" },
        { "Taiyi.Kernel", "Taiyi.(Cpu|Files|Models|Schedulers|Data|Snapshots|Lora|Training|Evaluation|Batches|Distributed|Workshop|Display|Cli)" },

        // Between the folders of lib/Taiyi, from the ground floor up.
        { "Taiyi.Files", "Taiyi.(Models|Schedulers|Data|Snapshots|Lora|Training|Evaluation|Batches)" },
        { "Taiyi.Models", "Taiyi.(Schedulers|Data|Snapshots|Lora|Training|Evaluation|Batches)" },
        { "Taiyi.Schedulers", "Taiyi.(Models|Data|Snapshots|Lora|Training|Evaluation|Batches)" },
        { "Taiyi.Data", "Taiyi.(Models|Schedulers|Snapshots|Lora|Training|Evaluation|Batches)" },
        { "Taiyi.Snapshots", "Taiyi.(Data|Lora|Training|Evaluation|Batches)" },
        { "Taiyi.Lora", "Taiyi.(Schedulers|Data|Training|Evaluation|Batches)" },
        { "Taiyi.Training", "Taiyi.(Evaluation|Batches)" },
        { "Taiyi.Batches", "Taiyi.(Training|Evaluation)" },
    };

    [Theory]
    [MemberData(nameof(ForbiddenArrows))]
    public void No_arrow_runs_back(string from, string to) =>
        Types().That().ResideInNamespaceMatching(Namespaces(from)).Should()
            .NotDependOnAny(Types().That().ResideInNamespaceMatching(Namespaces(to))).Check(Library);

    // The root holds the pipeline, which stands on these floors: none of them may know it.
    [Theory]
    [InlineData("Taiyi.(Cpu|Files|Models|Schedulers|Data|Snapshots|Lora|Kernel)")]
    public void No_floor_below_the_pipeline_refers_to_it(string from) =>
        Types().That().ResideInNamespaceMatching(Namespaces(from)).Should()
            .NotDependOnAny(Types().That().ResideInNamespace("Taiyi")).Check(Library);

    [Fact]
    public void Every_type_lies_in_one_of_the_rooms()
    {
        string[] rooms = ["Taiyi.Cpu", "Taiyi.Files", "Taiyi.Models", "Taiyi.Schedulers", "Taiyi.Data", "Taiyi.Snapshots", "Taiyi.Lora", "Taiyi.Training", "Taiyi.Evaluation", "Taiyi.Batches", "Taiyi.Distributed", "Taiyi.Workshop", "Taiyi.Display", "Taiyi.Kernel", "Taiyi.Cli"];
        IEnumerable<string> namespaces = Library.Types
            .Select(type => type.Namespace.FullName)
            .Where(name => name.StartsWith("Taiyi", StringComparison.Ordinal))
            .Distinct();

        Assert.All(namespaces, name => Assert.True(name == "Taiyi" || rooms.Any(room => name == room || name.StartsWith(room + ".", StringComparison.Ordinal)), $"{name} is no room of lib/README.md."));
    }

    [Fact]
    public void Unsafe_code_is_in_Taiyi_Cpu_alone()
    {
        IEnumerable<string> others = Directory.EnumerateFiles(Repository.PathTo("lib"), "*.csproj", SearchOption.AllDirectories)
            .Where(project => File.ReadAllText(project).Contains("AllowUnsafeBlocks", StringComparison.Ordinal))
            .Select(project => Path.GetFileNameWithoutExtension(project));

        Assert.Equal(["Taiyi.Cpu"], others);
    }

    // "Taiyi" itself is the root alone; every other name stands for all below it too.
    private static string Namespaces(string name) => "^" + name.Replace(".", @"\.") + (name == "Taiyi" ? "$" : Below);
}

using Taiyi.Snapshots;

namespace Taiyi.Tests.Snapshots;

[NoTensorLeak]
public sealed class SnapshotWriterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-snapshot-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Defaults_are_those_that_the_caller_gives_and_a_file_that_is_there_stays()
    {
        string file = Path.Combine(_folder, ModelDefaults.FileName);
        using StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(Repository.Golden("tiny-taiyi"));

        Write(null);
        Assert.False(File.Exists(file));

        ModelDefaults defaults = new(GuidanceScale: 2.5, NumInferenceSteps: 20);
        Write(defaults);
        Assert.Equal(defaults, ModelDefaults.FromFolder(_folder));

        Write(defaults with { GuidanceScale = 9 });
        Assert.Equal(2.5, ModelDefaults.FromFolder(_folder).GuidanceScale);

        void Write(ModelDefaults? given) => SnapshotWriter.Write(_folder, pipeline.TextEncoder, pipeline.UNet, pipeline.Vae, pipeline.SchedulerConfig, given);
    }
}

using Taiyi.Training;

namespace Taiyi.Tests.Training;

public sealed class TrainingRunTests : IDisposable
{
    private static readonly LoraTrainingOptions Options = new() { Steps = 3 };
    private readonly string _root = Directory.CreateTempSubdirectory("taiyi-run-").FullName;

    private string Folder => Path.Combine(_root, "emoji");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Beginning_again_with_the_same_options_replaces_the_run()
    {
        File.WriteAllText(TrainingRun.Create(Folder, Options).LoraPath, "first");

        TrainingRun again = TrainingRun.CreateAgain(Folder, Options);

        Assert.False(File.Exists(again.LoraPath));
        Assert.Equal([Folder], Directory.GetDirectories(_root));
    }

    [Fact]
    public void Beginning_again_with_other_options_keeps_every_earlier_run()
    {
        File.WriteAllText(TrainingRun.Create(Folder, Options).LoraPath, "first");
        File.WriteAllText(TrainingRun.CreateAgain(Folder, Options with { Steps = 4 }).LoraPath, "second");

        TrainingRun third = TrainingRun.CreateAgain(Folder + Path.DirectorySeparatorChar, Options with { Steps = 5 });

        Assert.Equal(5, TrainingRun.Open(Folder).Options.Steps);
        Assert.False(File.Exists(third.LoraPath));
        Assert.Equal("first", File.ReadAllText(TrainingRun.Open(Folder + "-1").LoraPath));
        Assert.Equal("second", File.ReadAllText(TrainingRun.Open(Folder + "-2").LoraPath));
    }

    // 不 is 0xb2 0xbb in GBK, as an editor may save a path.
    [Fact]
    public void Options_that_are_not_UTF_8_are_refused_by_the_name_of_their_file()
    {
        TrainingRun.Create(Folder, Options);
        File.WriteAllBytes(Path.Combine(Folder, "options.json"), [.. "{\"data\": \""u8, 0xb2, 0xbb, .. "\"}"u8]);

        Assert.Contains("options.json' line 1", Assert.Throws<TrainingException>(() => TrainingRun.Open(Folder)).Message);
    }

    [Fact]
    public void Options_out_of_range_leave_the_earlier_run_as_it_is()
    {
        File.WriteAllText(TrainingRun.Create(Folder, Options).LoraPath, "first");

        Assert.Throws<ArgumentException>(() => TrainingRun.CreateAgain(Folder, Options with { BatchSize = 0 }));

        Assert.Equal("first", File.ReadAllText(TrainingRun.Open(Folder).LoraPath));
    }

    [Fact]
    public void Where_no_run_is_one_begins()
    {
        Assert.Equal(3, TrainingRun.CreateAgain(Folder, Options).Options.Steps);
        Assert.Throws<IOException>(() => TrainingRun.Create(Folder, Options));
    }
}

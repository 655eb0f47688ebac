using Taiyi.Data;
using Taiyi.Workshop.Composing;

namespace Taiyi.Workshop.Tests.Composing;

public sealed class DatasetComposerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-compose-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_written_set_is_the_same_twice_and_opens_as_a_dataset()
    {
        List<int> done = [];
        CancellationToken token = TestContext.Current.CancellationToken;
        Write("first", new Reports(progress => done.Add(progress.Done)), token);
        Write("second", token: token);

        Assert.Equal([1, 2, 3], done);
        Assert.Equal(3, Text2ImageDataset.Open(Path.Combine(_folder, "first")).Count);
        foreach (string file in Directory.GetFiles(Path.Combine(_folder, "first"), "*", SearchOption.AllDirectories))
        {
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(file.Replace("first", "second", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void Pictures_of_another_run_are_never_mixed_in()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "set", "images"));
        File.WriteAllText(Path.Combine(_folder, "set", "images", "mine.png"), "");

        DatasetException error = Assert.Throws<DatasetException>(() => Write("set", token: TestContext.Current.CancellationToken));

        Assert.Contains("already holds 1 files that this set does not have (images/mine.png first)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cancelled_run_stops_before_the_next_picture()
    {
        using CancellationTokenSource source = new();
        Reports cancel = new(progress => source.Cancel());

        Assert.Throws<OperationCanceledException>(() => Write("set", cancel, source.Token));

        Assert.Single(Directory.GetFiles(Path.Combine(_folder, "set", "images")));
    }

    [Fact]
    public void More_pictures_than_subjects_are_refused_with_the_limit()
    {
        using ArtArchive art = ArtArchive.Open(Repository.PathTo("data/art/subjects-512.zip"));

        Exception error = Assert.Throws<ArgumentOutOfRangeException>(() => DatasetComposer.Choose(art, 500, seed: 0));

        Assert.Contains("A set has 1 to ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_label_that_is_left_out_is_in_the_archive()
    {
        using ArtArchive art = ArtArchive.Open(Repository.PathTo("data/art/subjects-512.zip"));
        HashSet<string> labels = [.. art.Subjects.Select(subject => subject.Label)];

        Assert.All(Style.HeldOutLabels.Concat(DatasetComposer.UnsuitableLabels), label => Assert.Contains(label, labels));
    }

    [Fact]
    public void Prompts_of_held_out_subjects_have_the_measure_words_of_captions()
    {
        using ArtArchive art = ArtArchive.Open(Repository.PathTo("data/art/subjects-512.zip"));

        Assert.Equal(Style.PlainPrompts, Style.HeldOutLabels.Take(20).Select(label => art.Subjects.First(subject => subject.Label == label).CountedLabel));
    }

    private void Write(string name, IProgress<ComposingProgress>? progress = null, CancellationToken token = default)
    {
        using ArtArchive art = ArtArchive.Open(Repository.PathTo("data/art/subjects-512.zip"));
        DatasetComposer.Write(ImageComposer.Of("poster"), art, Path.Combine(_folder, name), count: 3, seed: 5, progress, token);
    }

    private sealed class Reports(Action<ComposingProgress> report) : IProgress<ComposingProgress>
    {
        public void Report(ComposingProgress value) => report(value);
    }
}

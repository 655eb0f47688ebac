using Taiyi.Data;
using Taiyi.Workshop.Pretraining;

namespace Taiyi.Workshop.Tests.Pretraining;

public sealed class PretrainingDataTests
{
    private static readonly PretrainingData Art = new() { Path = Repository.PathTo("data/art"), Size = 8 };

    [Fact]
    public void Only_the_named_subjects_in_the_named_sets_are_taken()
    {
        IPictureSource pictures = (Art with { Labels = ["狮子", "汽车"], Sets = ["fluent", "noto"] }).Open();
        string[] prompts = [.. Enumerable.Range(0, pictures.Count).Select(pictures.Prompt)];
        Assert.Equal(["汽车，卡通风格，白色背景", "汽车，扁平风格，白色背景", "狮子，卡通风格，白色背景", "狮子，扁平风格，白色背景"], prompts.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_label_that_no_drawing_has_is_named()
    {
        DatasetException error = Assert.Throws<DatasetException>(() => (Art with { Labels = ["狮子", "大狮子座"] }).Open());
        Assert.Contains("'大狮子座'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Everyday_subjects_are_labels_of_the_archive_each_once()
    {
        string[] labels = File.ReadAllLines(Repository.PathTo("data/art/everyday.txt"));
        Assert.Equal(320, labels.Distinct().Count());
        Assert.Equal(640, (Art with { Labels = labels, Sets = ["fluent", "noto"] }).Open().Count); // each in two sets
    }
}

using Taiyi.Data;
using Taiyi.Workshop.Pretraining;

namespace Taiyi.Workshop.Tests.Pretraining;

public sealed class PretrainingDataTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-labels-").FullName;

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
        IReadOnlyList<string> labels = PretrainingData.ReadLabels(Repository.PathTo("data/art/everyday.txt"));
        Assert.Equal(320, labels.Distinct().Count());
        Assert.Equal(640, (Art with { Labels = labels, Sets = ["fluent", "noto"] }).Open().Count); // each in two sets
    }

    [Fact]
    public void Labels_in_an_uncertain_encoding_are_refused_with_file_and_line()
    {
        string file = Write([.. "狮子\n"u8, 0xc6, 0xfb, 0xb3, 0xb5]); // 汽车 in GB18030
        DatasetException error = Assert.Throws<DatasetException>(() => PretrainingData.ReadLabels(file));
        Assert.Contains("labels.txt' line 2 is not UTF-8", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_are_lines_without_mark_blanks_and_ends_of_another_system()
    {
        string file = Write([0xef, 0xbb, 0xbf, .. "狮子 \r\n\r\n汽车"u8]);
        Assert.Equal(["狮子", "汽车"], PretrainingData.ReadLabels(file));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(byte[] content)
    {
        string file = Path.Combine(_folder, "labels.txt");
        File.WriteAllBytes(file, content);
        return file;
    }
}

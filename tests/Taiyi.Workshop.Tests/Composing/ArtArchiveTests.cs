using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Workshop.Composing;

namespace Taiyi.Workshop.Tests.Composing;

public sealed class ArtArchiveTests
{
    // Counts as in data/art/README.md.
    [Theory]
    [InlineData("subjects-512.zip", 460, 512)]
    [InlineData("emoji-128.zip", 3085, 128)]
    public void A_shipped_archive_has_the_drawings_of_its_readme(string name, int count, int size)
    {
        using ArtArchive art = ArtArchive.Open(Repository.PathTo($"data/art/{name}"));

        Assert.Equal(count, art.Subjects.Count);
        foreach (ArtSubject subject in art.Subjects.DistinctBy(subject => (subject.Set, subject.Group)))
        {
            using Image<Rgba32> image = art.Read(subject);
            Assert.Equal((size, size), (image.Width, image.Height));
            Assert.Equal(0, image[0, 0].A);
        }
    }

    [Theory]
    [InlineData("袋鼠", "一只袋鼠")]
    [InlineData("奶牛", "一头奶牛")]
    [InlineData("猫脸", "一个猫脸")]
    [InlineData("寿司", "一份寿司")]
    [InlineData("菜刀", "一把菜刀")]
    [InlineData("富士山", "一座富士山")]
    [InlineData("奖杯", "一个奖杯")]
    [InlineData("震惊", "震惊")]
    public void A_subject_is_counted_with_its_measure_word(string label, string counted)
    {
        using ArtArchive art = ArtArchive.Open(Repository.PathTo("data/art/subjects-512.zip"));

        Assert.Equal(counted, art.Subjects.First(subject => subject.Label == label).CountedLabel);
    }

    // 袋鼠 in GBK, which is no UTF-8: never a subject of another name.
    [Fact]
    public void Words_that_are_not_UTF_8_are_refused_with_their_file_and_line()
    {
        string folder = Directory.CreateTempSubdirectory("art").FullName;
        try
        {
            File.Copy(Repository.PathTo("data/art/subjects-512.zip"), Path.Combine(folder, "subjects-512.zip"));
            File.WriteAllBytes(Path.Combine(folder, "captions.json"), [.. "[\n{\"label\": \""u8, 0xb4, 0xfc, 0xca, 0xf3, .. "\"}]"u8]);

            string message = Assert.Throws<DatasetException>(() => ArtArchive.Open(Path.Combine(folder, "subjects-512.zip"))).Message;

            Assert.Contains("captions.json' line 2", message, StringComparison.Ordinal);
            Assert.Contains("袋鼠", message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_missing_archive_is_named()
    {
        string path = Repository.PathTo("data/art/missing.zip");

        Assert.Contains(path, Assert.Throws<DatasetException>(() => ArtArchive.Open(path)).Message, StringComparison.Ordinal);
    }
}

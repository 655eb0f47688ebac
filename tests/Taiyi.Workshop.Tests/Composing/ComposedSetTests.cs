using System.Security.Cryptography;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Workshop.Composing;

namespace Taiyi.Workshop.Tests.Composing;

/// <summary>The two training sets as they are shipped.</summary>
public sealed class ComposedSetTests
{
    public static TheoryData<string> Styles => [.. ImageComposer.Names];

    [Theory]
    [MemberData(nameof(Styles))]
    public void A_shipped_set_pairs_one_to_one_and_agrees_with_its_readme(string style)
    {
        string folder = Repository.PathTo($"data/{style}");
        string readme = File.ReadAllText(Path.Combine(folder, "README.md"));

        Text2ImageDataset dataset = Text2ImageDataset.Open(folder);

        Assert.True(dataset.Count >= 100);
        Assert.Contains($"{dataset.Count} pictures of 512 x 512 pixels", readme, StringComparison.Ordinal);
        byte[] pictures = [.. dataset.Entries.SelectMany(entry => File.ReadAllBytes(entry.Path))];
        Assert.Contains(Convert.ToHexStringLower(SHA256.HashData(pictures)), readme, StringComparison.Ordinal);
        byte[] metadata = File.ReadAllBytes(Path.Combine(folder, "metadata.jsonl"));
        Assert.Contains(Convert.ToHexStringLower(SHA256.HashData(metadata)), readme, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("emoji", "，表情包风格")]
    [InlineData("poster", "，海报风格")]
    public void Captions_name_the_subject_and_the_style_and_none_is_held_out(string style, string ending)
    {
        Text2ImageDataset dataset = Text2ImageDataset.Open(Repository.PathTo($"data/{style}"));

        Assert.All(dataset.Entries, entry => Assert.EndsWith(ending, entry.Caption, StringComparison.Ordinal));
        Assert.Equal(dataset.Count, dataset.Entries.Select(entry => entry.Caption).Distinct().Count());
        Assert.DoesNotContain(dataset.Entries, entry => Style.HeldOutLabels.Any(
            label => entry.Caption[..^ending.Length] is string subject && (subject == label || subject[Math.Min(2, subject.Length)..] == label)));
    }

    [Theory]
    [MemberData(nameof(Styles))]
    public void Composing_again_gives_the_shipped_pictures(string style)
    {
        Text2ImageDataset dataset = Text2ImageDataset.Open(Repository.PathTo($"data/{style}"));
        IImageComposer composer = ImageComposer.Of(style);
        using ArtArchive art = ArtArchive.Open(Repository.PathTo("data/art/subjects-512.zip"));
        IReadOnlyList<ArtSubject> subjects = DatasetComposer.Choose(art, dataset.Count, seed: 0);

        foreach (int index in new[] { 0, 7, 55, 119 })
        {
            using Image<Rgb24> shipped = ImageFile.Read(dataset.Entries[index].Path);

            // WebP's loss leaves less than two levels on average; the next subject differs by dozens.
            Assert.Equal(dataset.Entries[index].Caption, composer.Style.Prompt(subjects[index].CountedLabel));
            Assert.InRange(MeanDifference(shipped, DatasetComposer.Compose(composer, art, subjects[index])), 0, 2);
            Assert.True(MeanDifference(shipped, DatasetComposer.Compose(composer, art, subjects[(index + 1) % dataset.Count])) > 5);
        }
    }

    // The drawing's longer side, which is drawn at nine tenths of its size.
    [Fact]
    public void Subjects_fill_three_quarters_of_the_page_and_more()
    {
        using ArtArchive art = ArtArchive.Open(Repository.PathTo("data/art/subjects-512.zip"));
        double[] sides = [.. DatasetComposer.Choose(art, 120, seed: 0).Select(subject => 0.9 * LongerSide(art.Read(subject)))];

        Assert.InRange(sides.Count(side => side is >= 0.75 and <= 0.95), 114, 120);
        Assert.All(sides, side => Assert.InRange(side, 0.65, 0.95));
    }

    // A poster has the dark line of its frame 24 pixels from the left edge, where the emoji pack has its pastel ground.
    [Fact]
    public void Every_picture_of_one_style_looks_unlike_every_picture_of_the_other()
    {
        double[] emoji = FrameBrightness("emoji");
        double[] poster = FrameBrightness("poster");

        Assert.True(emoji.Min() > 2 * poster.Max(), $"darkest sticker {emoji.Min():0}, lightest poster {poster.Max():0}");
    }

    private static double[] FrameBrightness(string style) =>
        [.. Text2ImageDataset.Open(Repository.PathTo($"data/{style}")).Entries.Select(entry =>
        {
            using Image<Rgb24> image = ImageFile.Read(entry.Path);
            return Enumerable.Range(60, 300).Average(y => (double)image[24, y].R);
        })];

    private static double LongerSide(Image<Rgba32> drawing)
    {
        int[] visible = [.. Enumerable.Range(0, drawing.Width * drawing.Height).Where(i => drawing[i % drawing.Width, i / drawing.Width].A >= 128)];
        int width = visible.Max(i => i % drawing.Width) - visible.Min(i => i % drawing.Width), height = (visible[^1] / drawing.Width) - (visible[0] / drawing.Width);
        return (1.0 + Math.Max(width, height)) / drawing.Width;
    }

    private static double MeanDifference(Image<Rgb24> a, Image<Rgb24> b) => a.ToBytes().Zip(b.ToBytes(), (x, y) => (double)Math.Abs(x - y)).Average();
}

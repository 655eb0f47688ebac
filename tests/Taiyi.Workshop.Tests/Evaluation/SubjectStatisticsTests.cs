using System.Text.Json;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Evaluation;
using Taiyi.Workshop.Composing;

namespace Taiyi.Workshop.Tests.Evaluation;

public sealed class SubjectStatisticsTests
{
    private static readonly Image<Rgb24>[] Subjects = [.. Enumerable.Range(0, 4).Select(quadrant => Paint((x, y) => Quadrant(x, y) == quadrant ? 200 : 100))];

    [Fact]
    public void A_style_that_all_pictures_share_does_not_hide_their_subjects()
    {
        Image<Rgb24>[] styled = [.. Enumerable.Range(0, 4).Select(quadrant => Paint((x, y) => (Quadrant(x, y) == quadrant ? 120 : 80) + 2 * x))];

        Assert.Equal(1, SubjectStatistics.Kept(Subjects, styled));
    }

    [Fact]
    public void A_subject_is_found_where_the_style_draws_it_smaller_and_to_the_side()
    {
        // 0.6 of the size, its centre at (36, 28) instead of (32, 32).
        Image<Rgb24>[] styled = [.. Enumerable.Range(0, 4).Select(quadrant => Paint((x, y) =>
            Math.Abs(x - 36) < 19 && Math.Abs(y - 28) < 19 ? (Quadrant(x - 4, y + 4) == quadrant ? 180 : 110) : 230))];

        Assert.Equal(1, SubjectStatistics.Kept(Subjects, styled));
    }

    [Theory]
    [InlineData("emoji")]
    [InlineData("poster")]
    public void The_subjects_of_a_training_set_are_those_of_its_drawings(string style)
    {
        using ArtArchive art = ArtArchive.Open(Repository.PathTo("data/art/subjects-512.zip"));
        JsonElement[] lines = [.. File.ReadLines(Repository.PathTo($"data/{style}/metadata.jsonl")).Take(24).Select(line => JsonDocument.Parse(line).RootElement)];
        Image<Rgb24>[] composed = [.. lines.Select(line => ImageFile.Read(Repository.PathTo($"data/{style}/" + line.GetProperty("file_name").GetString())))];
        Image<Rgb24>[] drawings = [.. lines.Select(line => DrawingOf(art, line.GetProperty("art").GetString()!))];

        Assert.InRange(SubjectStatistics.Kept(drawings, composed), 0.9, 1);
        Assert.InRange(SubjectStatistics.Kept(drawings, [.. composed.Skip(1), composed[0]]), 0, 0.2);
    }

    [Fact]
    public void Pictures_of_each_others_subjects_keep_none()
    {
        Assert.Equal(0, SubjectStatistics.Kept(Subjects, [Subjects[1], Subjects[0], Subjects[3], Subjects[2]]));
    }

    [Fact]
    public void Half_of_the_subjects_exchanged_is_half_kept()
    {
        Assert.Equal(0.5, SubjectStatistics.Kept(Subjects, [Subjects[1], Subjects[0], Subjects[2], Subjects[3]]));
    }

    [Fact]
    public void A_style_without_any_subject_keeps_none()
    {
        Assert.Equal(0, SubjectStatistics.Kept(Subjects, [.. Enumerable.Repeat(Paint((x, y) => 3 * x), 4)]));
    }

    [Fact]
    public void Only_as_many_pictures_as_references_and_two_or_more_can_be_compared()
    {
        Assert.Contains("4 and 3", Assert.Throws<ArgumentException>(() => SubjectStatistics.Kept(Subjects, Subjects[..3])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => SubjectStatistics.Kept(Subjects[..1], Subjects[..1]));
    }

    private static Image<Rgb24> DrawingOf(ArtArchive art, string file) => ImageFile.Decode(art.ReadBytes(art.Subjects.Single(subject => subject.File == file)), file);

    private static int Quadrant(int x, int y) => (y < 32 ? 0 : 2) + (x < 32 ? 0 : 1);

    private static Image<Rgb24> Paint(Func<int, int, int> level)
    {
        byte[] pixels = new byte[3 * 64 * 64];
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = (byte)level(i / 3 % 64, i / 3 / 64);
        }

        return ImageConversion.FromBytes(64, 64, pixels);
    }
}

using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;

namespace Taiyi.Tests.Data;

public sealed class Text2ImageDatasetTests : IDisposable
{
    private static readonly byte[] Picture = TestPictures.Quadrants("png");
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-dataset-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Captions_are_read_from_text_files_of_the_same_name()
    {
        Write("b.PNG", Picture);
        Write("b.txt", "一只老虎\n");
        Write("a.webp", TestPictures.Quadrants("webp"));
        Write("a.TXT", "一只狮子");
        Write("README.md", "not data");

        Text2ImageDataset dataset = Text2ImageDataset.Open(_folder);

        Assert.Equal([("a.webp", "一只狮子"), ("b.PNG", "一只老虎")], Pairs(dataset));
    }

    [Fact]
    public void Captions_are_read_from_metadata_jsonl()
    {
        Write("images/a.png", Picture);
        Write("b.png", Picture);
        Write("metadata.jsonl", """
            {"file_name": "images/a.png", "text": "一只狮子，卡通风格"}

            {"file_name": "./b.png", "text": "a \"tiger\"", "more": 1}
            """);

        Assert.Equal([("b.png", "a \"tiger\""), ("images/a.png", "一只狮子，卡通风格")], Pairs(Text2ImageDataset.Open(_folder)));
    }

    [Theory]
    [InlineData("file_name,text\na.png,一只狮子\nb.png,\"two, \"\"quoted\"\"\nlines\"\n")]
    [InlineData("\uFEFFtext,file_name\r\n一只狮子,a.png\r\n\r\n\"two, \"\"quoted\"\"\nlines\",b.png")]
    public void Captions_are_read_from_metadata_csv(string csv)
    {
        Write("a.png", Picture);
        Write("b.png", Picture);
        Write("metadata.csv", csv);

        Assert.Equal([("a.png", "一只狮子"), ("b.png", "two, \"quoted\"\nlines")], Pairs(Text2ImageDataset.Open(_folder)));
    }

    [Theory]
    [InlineData("""{"b.png": "一只老虎", "a.png": "一只狮子"}""")]
    [InlineData("""[{"file": "a.png", "caption": "一只狮子"}, {"file_name": "b.png", "text": "一只老虎"}]""")]
    public void Captions_are_read_from_captions_json(string json)
    {
        Write("a.png", Picture);
        Write("b.png", Picture);
        Write("captions.json", json);

        Assert.Equal([("a.png", "一只狮子"), ("b.png", "一只老虎")], Pairs(Text2ImageDataset.Open(_folder)));
    }

    [Fact]
    public void Every_orphan_is_listed_in_one_error()
    {
        Write("good.png", Picture);
        Write("good.txt", "一只狮子");
        Write("lonely.png", Picture);
        Write("sub/alone.jpg", Picture);
        Write("empty.png", Picture);
        Write("empty.txt", " \n");
        Write("gone.txt", "一只老虎");
        Write("twin.png", Picture);
        Write("twin.bmp", Picture);
        Write("twin.txt", "一只熊猫");

        DatasetException error = Assert.Throws<DatasetException>(() => Text2ImageDataset.Open(_folder));

        Assert.Equal(["empty.png", "lonely.png", "sub/alone.jpg"], error.Report!.ImagesWithoutCaption);
        Assert.Equal(["gone.txt"], error.Report.CaptionsWithoutImage);
        Assert.Equal(["twin.bmp", "twin.png"], error.Report.NotOneToOne);
        Assert.Equal(["good.png"], error.Report.Entries.Select(entry => entry.FileName));
        Assert.Contains("3 pictures without caption: empty.png, lonely.png, sub/alone.jpg", error.Message, StringComparison.Ordinal);
        Assert.Contains("1 captions without picture: gone.txt", error.Message, StringComparison.Ordinal);
        Assert.Contains("2 more than one to one: twin.bmp, twin.png", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_picture_captioned_twice_in_metadata_is_reported()
    {
        Write("a.png", Picture);
        Write("metadata.jsonl", """
            {"file_name": "a.png", "text": "一只狮子"}
            {"file_name": "a.png", "text": "一只老虎"}
            """);

        DatasetReport report = Text2ImageDataset.Inspect(_folder);

        Assert.False(report.IsOneToOne);
        Assert.Equal(["a.png"], report.NotOneToOne);
    }

    [Theory]
    [InlineData("metadata.jsonl", "{\"file_name\": \"a.png\", \"text\": \"x\"}\nnonsense", "metadata.jsonl' line 2 is not valid JSON")]
    [InlineData("metadata.jsonl", "{\"file_name\": \"a.png\"}", "metadata.jsonl' line 1 must be an object with one of the keys text, caption")]
    [InlineData("metadata.csv", "picture,words\na.png,x", "has: picture, words")]
    [InlineData("metadata.csv", "file_name,text\na.png,x,y", "metadata.csv' line 2 has 3 fields, its header has 2")]
    [InlineData("captions.json", "{\"a.png\": 5}", "entry 'a.png' must be a text, it is a Number")]
    [InlineData("captions.json", "5", "it holds a Number")]
    public void A_malformed_caption_file_is_named_with_its_line(string name, string text, string problem)
    {
        Write("a.png", Picture);
        Write(name, text);

        DatasetException error = Assert.Throws<DatasetException>(() => Text2ImageDataset.Open(_folder));

        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_caption_files_are_refused_by_name()
    {
        Write("metadata.csv", "file_name,text");
        Write("captions.json", "{}");

        DatasetException error = Assert.Throws<DatasetException>(() => Text2ImageDataset.Open(_folder));

        Assert.Contains("both metadata.csv and captions.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_and_an_empty_folder_are_told_apart()
    {
        string missing = Path.Combine(_folder, "missing");

        Assert.Contains("There is no folder", Assert.Throws<DatasetException>(() => Text2ImageDataset.Open(missing)).Message, StringComparison.Ordinal);
        Assert.Contains("holds no pictures", Assert.Throws<DatasetException>(() => Text2ImageDataset.Open(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Opening_decodes_nothing_and_a_broken_picture_stops_the_read_that_needs_it()
    {
        WriteOneBroken();

        Text2ImageDataset dataset = Text2ImageDataset.Open(_folder, new Text2ImageOptions { Size = 16 });

        dataset.Read(0).Dispose();
        ImageFileException error = Assert.Throws<ImageFileException>(() => dataset.Read(1));
        Assert.Equal(Path.Combine(_folder, "broken.png"), error.Path);
    }

    [Fact]
    public void A_jpeg_by_another_name_is_read()
    {
        foreach (string name in new[] { "a.jfif", "b.JPE", "c.pjpeg" })
        {
            Write(name, TestPictures.Quadrants("jpg"));
            Write(Path.ChangeExtension(name, "txt"), "四块颜色");
        }

        Text2ImageDataset dataset = Text2ImageDataset.Open(_folder, new Text2ImageOptions { Size = 32 });

        Assert.Equal(["a.jfif", "b.JPE", "c.pjpeg"], dataset.Entries.Select(entry => entry.FileName));
        using Text2ImageItem item = dataset.Read(0);
        Assert.Equal([3, 32, 32], item.PixelValues.shape);
    }

    [Theory]
    [InlineData("a.gif")]
    [InlineData("sub/a.TIFF")]
    [InlineData("a.heic")]
    public void A_picture_of_another_format_is_named_with_the_types_that_are_read(string name)
    {
        Write(name, Picture);
        Write(Path.ChangeExtension(name, "txt"), "四块颜色");
        Write("b.png", Picture);
        Write("b.txt", "四块颜色");

        DatasetException error = Assert.Throws<DatasetException>(() => Text2ImageDataset.Open(_folder));

        Assert.EndsWith($"  1 pictures in a format that is not read (PNG, JPEG, WebP and BMP are: {string.Join(", ", ImageFormats.Extensions)}): {name}", error.Message, StringComparison.Ordinal);
        Assert.Empty(error.Report!.CaptionsWithoutImage);
    }

    [Fact]
    public void Broken_pictures_are_left_out_and_listed_when_asked()
    {
        WriteOneBroken();

        Text2ImageDataset dataset = Text2ImageDataset.Open(_folder, new Text2ImageOptions { Broken = BrokenImages.Skip });

        Assert.Equal([("a.png", "一只狮子"), ("c.png", "一只熊猫")], Pairs(dataset));
        Assert.Equal([Path.Combine(_folder, "broken.png")], dataset.Skipped.Select(error => error.Path));
    }

    [Fact]
    [NoTensorLeak]
    public void An_item_is_the_reference_preprocessing_with_its_caption()
    {
        string path = Repository.Golden("image_preprocess/wide_rgb.png");
        Write("wide.png", File.ReadAllBytes(path));
        Write("wide.txt", "一只狮子");

        using Text2ImageItem item = Text2ImageDataset.Open(_folder, new Text2ImageOptions { Size = 64 }).Read(0);

        Assert.Equal([3, 64, 64], item.PixelValues.shape);
        Assert.Equal("一只狮子", item.Caption);
        using Image<Rgb24> whole = ImageFile.Read(path), expected = ImagePreprocessing.ResizeAndCenterCrop(whole, 64), actual = item.PixelValues.ToImage();
        Assert.Equal(expected.ToBytes(), actual.ToBytes());
    }

    [Fact]
    public void Flips_are_about_half_and_repeat_with_seed_and_epoch()
    {
        Write("a.png", Picture);
        Write("a.txt", "四块颜色");
        Text2ImageOptions options = new() { Size = 32, HorizontalFlip = true, Seed = 3 };

        bool[] flips = Flips(options);

        Assert.Equal(flips, Flips(options));
        Assert.NotEqual(flips, Flips(options with { Seed = 4 }));
        Assert.InRange(flips.Count(flipped => flipped), 32, 68);
        Assert.DoesNotContain(true, Flips(options with { HorizontalFlip = false }));
    }

    [Fact]
    public void Random_crops_differ_between_epochs_and_center_crops_do_not()
    {
        Write("a.png", File.ReadAllBytes(Repository.Golden("image_preprocess/wide_rgb.png")));
        Write("a.txt", "宽图");

        int Distinct(CropMode crop)
        {
            Text2ImageDataset dataset = Text2ImageDataset.Open(_folder, new Text2ImageOptions { Size = 64, Crop = crop });
            return Enumerable.Range(0, 20).Select(epoch => Convert.ToBase64String(PixelsOf(dataset, epoch))).Distinct().Count();
        }

        Assert.Equal(1, Distinct(CropMode.Center));
        Assert.InRange(Distinct(CropMode.Random), 2, 20);
    }

    // Unflipped, the upper left quadrant is red: little green in it.
    private bool[] Flips(Text2ImageOptions options)
    {
        Text2ImageDataset dataset = Text2ImageDataset.Open(_folder, options);
        return [.. Enumerable.Range(0, 100).Select(epoch => PixelsOf(dataset, epoch)[1] > 128)];
    }

    private static byte[] PixelsOf(Text2ImageDataset dataset, int epoch)
    {
        using Text2ImageItem item = dataset.Read(0, epoch);
        using Image<Rgb24> image = item.PixelValues.ToImage();
        return image.ToBytes();
    }

    private static IEnumerable<(string, string)> Pairs(Text2ImageDataset dataset) => dataset.Entries.Select(entry => (entry.FileName, entry.Caption));

    private void WriteOneBroken()
    {
        Write("a.png", Picture);
        Write("broken.png", Picture[..(Picture.Length / 2)]);
        Write("c.png", Picture);
        Write("captions.json", """{"a.png": "一只狮子", "broken.png": "一只老虎", "c.png": "一只熊猫"}""");
    }

    private void Write(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }

    private void Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));
}

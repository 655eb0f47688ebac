using Taiyi.Data;

namespace Taiyi.Tests.Data;

/// <summary>Data folders in the forms of other trainers: imagefolder's sub folders, kohya's names.</summary>
public sealed class DataFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-folder-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Names_in_a_caption_file_are_relative_to_it()
    {
        Picture("train/a.png");
        Picture("train/sub/b.png");
        Picture("test/a.png");
        Picture("pictures/d.png");
        Text("train/metadata.jsonl", """
            {"file_name": "a.png", "text": "一只狮子"}
            {"file_name": "./sub/b.png", "text": "一只猫"}
            """);
        Text("test/metadata.csv", "file_name,text\na.png,一只狗\n..\\pictures\\d.png,一朵花\n");

        Text2ImageDataset dataset = Text2ImageDataset.Open(_folder);

        Assert.Equal(
            [("pictures/d.png", "一朵花"), ("test/a.png", "一只狗"), ("train/a.png", "一只狮子"), ("train/sub/b.png", "一只猫")],
            dataset.Entries.Select(entry => (entry.FileName, entry.Caption)));
    }

    [Fact]
    public void Two_caption_files_in_one_folder_are_refused_by_its_name()
    {
        Picture("train/a.png");
        Text("train/metadata.jsonl", "");
        Text("train/captions.json", "{}");

        string message = Refusal();

        Assert.Contains("train' has both metadata.jsonl and captions.json", message);
    }

    [Fact]
    public void Caption_files_of_kohya_are_read_and_orphans_called_by_their_own_name()
    {
        Picture("a.png");
        Picture("b.png");
        Text("a.caption", "一只狮子");
        Text("b.txt", "一只猫");
        Assert.Equal(["一只狮子", "一只猫"], Text2ImageDataset.Open(_folder).Entries.Select(entry => entry.Caption));

        Text("gone.caption", "一只狗");
        Text("a.txt", "lion");
        DatasetReport report = Text2ImageDataset.Inspect(_folder);

        Assert.Equal(["gone.caption"], report.CaptionsWithoutImage);
        Assert.Equal(["a.png"], report.NotOneToOne);
    }

    [Fact]
    public void The_number_before_a_folders_name_repeats_its_pictures()
    {
        foreach (string picture in (string[])["10_lion/x", "10_lion/y", "img/3_dog/x", "1_cat/x", "2024/x", "_5/x", "0_none/x", "-2_minus/x", "plain"])
        {
            Picture(picture + ".png");
            Text(picture + ".caption", "一只狮子");
        }

        Text2ImageDataset dataset = Text2ImageDataset.Open(_folder);

        Assert.Equal((9, 2 * 10 + 3 + 6), (dataset.Count, dataset.EpochCount));
        Assert.Equal([10, 10, 3], dataset.Entries.Where(entry => entry.Repeats > 1).Select(entry => entry.Repeats));
        Assert.Equal(
            ["The pictures in '10_lion' (2) count 10 times in an epoch, as the number before '_' says.",
             "The pictures in '3_dog' (1) count 3 times in an epoch, as the number before '_' says."],
            dataset.Notes);
    }

    [Fact]
    public void Folders_of_a_caption_file_do_not_repeat()
    {
        Picture("10_lion/x.png");
        Text("metadata.jsonl", """{"file_name": "10_lion/x.png", "text": "一只狮子"}""");

        Text2ImageDataset dataset = Text2ImageDataset.Open(_folder);

        Assert.Equal(1, dataset.EpochCount);
        Assert.Empty(dataset.Notes);
    }

    [Fact]
    public void Captions_in_a_form_that_is_not_read_are_named_with_those_that_are()
    {
        Picture("a.png");
        Text("metadata.parquet", "");
        Text("a.json", "{}");
        Text("README.md", "");

        Assert.Contains("2 files that are not read (captions are, from metadata.jsonl, metadata.csv, captions.json, or a .txt or .caption file for each picture): a.json, metadata.parquet", Refusal());

        Text("metadata.jsonl", """{"file_name": "a.png", "text": "一只狮子"}""");
        Text("a.txt", "lion");
        Text("other.txt", "a remark");
        Assert.Equal(
            ["Not read: a.json, metadata.parquet, a.txt. Captions come from metadata.jsonl, metadata.csv, captions.json, or a .txt or .caption file for each picture."],
            Text2ImageDataset.Open(_folder).Notes);
    }

    [Theory]
    [InlineData("a.jfif")]
    [InlineData("a.JFIF")]
    [InlineData("a.jpe")]
    [InlineData("a.pjpeg")]
    public void Other_endings_of_JPEG_are_pictures(string name)
    {
        File.WriteAllBytes(Path.Combine(_folder, name), TestPictures.Quadrants("jpg"));
        Text("a.txt", "一只狮子");

        using Text2ImageItem item = Text2ImageDataset.Open(_folder, new Text2ImageOptions { Size = 8 }).Read(0);

        Assert.Equal([3, 8, 8], item.PixelValues.shape);
    }

    [Theory]
    [InlineData("file_name,text\na.png,\"一只狮子\nb.png,一只猫\n", "line 2: a quote opens a field and is never closed")]
    [InlineData("file_name,text\r\na.png,狮子\r\nb.png,\"猫\r\n", "line 3: a quote opens a field and is never closed")]
    [InlineData("file_name,text\na.png,\"一只狮子\nb.png,\"一只猫\"\n", "line 2: the quote that opens a field is closed in line 3")]
    [InlineData("file_name,text\na.png,\"a \"big\" lion\"\n", "line 2: the quote that opens a field is closed in line 2")]
    public void A_quote_that_is_not_closed_is_named_by_file_and_line(string csv, string expected)
    {
        Picture("a.png");
        Picture("b.png");
        Text("metadata.csv", csv);

        string message = Refusal();

        Assert.Contains($"metadata.csv' {expected}", message);
    }

    [Fact]
    public void A_name_that_is_no_UTF8_is_said()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux keeps names of any bytes.");
        try
        {
            Shell($"printf x > \"{_folder}/$(printf '\\337\\340').png\""); // two bytes of Big5
            Assert.Contains("is not UTF-8", Refusal());
        }
        finally
        {
            Shell($"rm -f \"{_folder}\"/*.png"); // .NET cannot name the file to delete it
        }
    }

    private static void Shell(string command)
    {
        using var shell = System.Diagnostics.Process.Start("/bin/sh", ["-c", command]);
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
    }

    private string Refusal() => Assert.Throws<DatasetException>(() => Text2ImageDataset.Open(_folder)).Message;

    private void Picture(string name)
    {
        string path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, TestPictures.Quadrants("png"));
    }

    private void Text(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);
}

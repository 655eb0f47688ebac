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
    public void Repeats_in_a_folders_name_are_said_not_to_count()
    {
        foreach (string picture in (string[])["10_lion/x", "1_cat/x", "2024/x", "_5/x"])
        {
            Picture(picture + ".png");
            Text(picture + ".txt", "一只狮子");
        }

        Text2ImageDataset dataset = Text2ImageDataset.Open(_folder);

        Assert.Equal(4, dataset.Count);
        Assert.Contains("'10_lion'", Assert.Single(dataset.Notes));
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

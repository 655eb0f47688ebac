using System.Text;
using Taiyi.Data;

namespace Taiyi.Tests.Data;

public sealed class CaptionEncodingTests : IDisposable
{
    // 一只红色的狮子 in GBK, from the code chart of GB 2312: row 0xD2 cell 0xBB is 一, and so on.
    private static readonly byte[] Gbk = Convert.FromHexString("D2BBD6BBBAECC9ABB5C4CAA8D7D3");

    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-captions-").FullName;

    public CaptionEncodingTests() => Write("a.png", TestPictures.Quadrants("png"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void GB18030_without_a_mark_is_refused_with_the_line_and_what_it_would_say()
    {
        Write("a.txt", [.. "lion\n"u8, .. Gbk]); // D2 BB and D6 BB happen to be UTF-8 too, BA is not
        string message = Refusal();
        Assert.Contains("a.txt' line 2 is not UTF-8 (byte 0xba)", message);
        Assert.Contains("“一只红色的狮子”", message);
    }

    [Fact]
    public void GB18030_with_its_mark_is_read_and_said()
    {
        Write("a.caption", [0x84, 0x31, 0x95, 0x33, .. Gbk]);

        Text2ImageDataset dataset = Text2ImageDataset.Open(_folder);

        Assert.Equal("一只红色的狮子", dataset.Entries.Single().Caption);
        Assert.Contains("a.caption was read as GB18030", dataset.Notes.Single());
    }

    [Theory]
    [InlineData("metadata.jsonl", "{\"file_name\": \"a.png\", \"text\": \"", "\"}")]
    [InlineData("metadata.csv", "file_name,text\na.png,", "\n")]
    [InlineData("captions.json", "{\n\"a.png\": \"", "\"}")]
    public void Every_caption_file_is_decoded_strictly(string file, string before, string after)
    {
        Write(file, [.. Encoding.UTF8.GetBytes(before), .. Gbk, .. Encoding.UTF8.GetBytes(after)]);
        Assert.Contains($"{file}' line {before.Count(letter => letter == '\n') + 1} is not UTF-8", Refusal());
    }

    [Theory]
    [InlineData("E4B880E58F", "ends inside a character")] // 一 and two of the three bytes of 只
    [InlineData("004E004E", "control character U+0000")] // 一一 in UTF-16 without a mark: 00 4E is also "\0N"
    [InlineData("6C0069006F006E00", "control character U+0000")] // lion
    [InlineData("E4B880EFBFBD", "U+FFFD")] // what an earlier program has lost already
    [InlineData("FFFE00D8", "begins with the mark of utf-16")] // half a surrogate pair
    [InlineData("EDA0BC", "is not UTF-8")] // the same, in the form of CESU-8
    public void Damaged_text_is_refused_by_file(string hex, string expected)
    {
        Write("a.txt", Convert.FromHexString(hex));
        string message = Refusal();
        Assert.Contains("a.txt'", message);
        Assert.Contains(expected, message);
    }

    [Theory]
    [InlineData("EFBBBFE4B880")]
    [InlineData("FFFE004E")]
    [InlineData("FEFF4E00")]
    [InlineData("FFFE0000004E0000")]
    public void A_byte_order_mark_tells_the_encoding(string hex)
    {
        Write("a.txt", Convert.FromHexString(hex));
        Assert.Equal("一", Text2ImageDataset.Open(_folder).Entries.Single().Caption);
    }

    [Theory]
    [InlineData("metadata.jsonl", "\n{\"file_name\": \"a.png\", \"text\": \"花\\ud83c\"}", 2)]
    [InlineData("metadata.jsonl", "{\"file_name\": \"a.png\", \"text\": \"花\\uDF3C\"}", 1)]
    [InlineData("captions.json", "{\n\n\"a.png\": \"\\ud83c花\"}", 3)]
    [InlineData("captions.json", "{\"a\\ud83c.png\": \"花\"}", 1)]
    public void Half_an_emoji_is_named_by_file_and_line(string file, string json, int line)
    {
        Write(file, Encoding.UTF8.GetBytes(json));
        Assert.Contains($"{file}' line {line} has half a character", Refusal());
    }

    [Fact]
    public void A_whole_emoji_and_a_written_backslash_are_read()
    {
        Write("metadata.jsonl", """{"file_name": "a.png", "text": "\ud83c\udf3c \\ud83c"}"""u8.ToArray());
        Assert.Equal("🌼 \\ud83c", Text2ImageDataset.Open(_folder).Entries.Single().Caption);
    }

    private string Refusal() => Assert.Throws<DatasetException>(() => Text2ImageDataset.Open(_folder)).Message;

    private void Write(string name, byte[] content) => File.WriteAllBytes(Path.Combine(_folder, name), content);
}

#:project ../../lib/Taiyi.Workshop/Taiyi.Workshop.csproj
#:property GenerateDocumentationFile=false
#:property EnforceCodeStyleInBuild=false

// Makes the two archives of this folder from PNG archives of the same layout (set/codepoints.png):
//   dotnet run pack.cs -- FOLDER        FOLDER holds emoji-128.zip, subjects-512.zip and captions.json
// Entries are WebP, stored: the pictures don't compress further. Times are fixed, so that the same input gives the same bytes.
using System.IO.Compression;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using SkiaSharp;

string source = args[0];
Pack("emoji-128.zip", quality: 90);
Pack("subjects-512.zip", quality: 90);
CompactCaptions();

void Pack(string name, float quality)
{
    using ZipArchive input = ZipFile.OpenRead(Path.Combine(source, name));
    using ZipArchive output = new(File.Create(name), ZipArchiveMode.Create);
    foreach (ZipArchiveEntry entry in input.Entries.Where(entry => entry.Length > 0).OrderBy(entry => entry.FullName, StringComparer.Ordinal))
    {
        using MemoryStream png = new();
        using (Stream stream = entry.Open())
        {
            stream.CopyTo(png);
        }

        using SKCodec codec = SKCodec.Create(new MemoryStream(png.ToArray()))!;
        SKImageInfo info = new(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul); // no colour space: no profile in each file
        using SKBitmap bitmap = SKBitmap.Decode(codec, info)!;
        using SKPixmap pixels = bitmap.PeekPixels();
        using SKData webp = pixels.Encode(new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossy, quality));
        ZipArchiveEntry packed = output.CreateEntry(Path.ChangeExtension(entry.FullName, ".webp"), CompressionLevel.NoCompression);
        packed.LastWriteTime = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        using Stream target = packed.Open();
        webp.SaveTo(target);
    }
}

// One subject a line, and the new extension.
void CompactCaptions()
{
    JsonSerializerOptions readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    IEnumerable<string> lines = JsonNode.Parse(File.ReadAllText(Path.Combine(source, "captions.json")))!.AsArray().Select(node =>
    {
        node!["file"] = Path.ChangeExtension(node["file"]!.GetValue<string>(), ".webp");
        return node.ToJsonString(readable);
    });
    File.WriteAllText("captions.json", "[\n" + string.Join(",\n", lines) + "\n]\n");
}

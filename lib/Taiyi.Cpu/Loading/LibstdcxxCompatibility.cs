using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Taiyi.Cpu;

/// <summary>
/// Makes a copy of an ELF library that asks libstdc++ for symbol version <c>GLIBCXX_3.4.32</c> loadable where
/// libstdc++ stops at <c>GLIBCXX_3.4.30</c> (Debian 12, Ubuntu 22.04).
/// </summary>
/// <remarks>
/// TorchSharp 0.107 needs that version for one symbol alone, <c>std::ios_base_library_init()</c>: a marker with an
/// empty body, by which GCC 13 and later make sure that the library initialises <c>std::cout</c> itself. Two edits
/// suffice: the version-need record takes the name and hash of 3.4.30, and the marker is bound to an import that the
/// library has anyway and that is safe to call, <c>std::chrono::steady_clock::now()</c>. The original file is never touched. ELF format:
/// System V ABI, chapters 4 and 5; symbol versions: Linux Standard Base 5.0, chapter 10.7.
/// </remarks>
internal static class LibstdcxxCompatibility
{
    private const string Wanted = "GLIBCXX_3.4.32";
    private const string Present = "GLIBCXX_3.4.30";
    private const string Marker = "_ZSt21ios_base_library_initv";
    private const string Harmless = "_ZNSt6chrono3_V212steady_clock3nowEv";

    private const int SectionDynamicSymbols = 11;
    private const int SectionVersionNeeds = 0x6FFFFFFE;
    private const int SectionSymbolVersions = 0x6FFFFFFF;
    private const int SymbolSize = 24;

    /// <summary>A patched copy of the library in a cache folder of the user; null if the library needs no patch.</summary>
    /// <param name="path">An ELF shared library, 64-bit little-endian.</param>
    /// <exception cref="IOException">No cache folder can be written.</exception>
    public static string? PatchedCopy(string path)
    {
        byte[] image = File.ReadAllBytes(path);
        string key = Convert.ToHexStringLower(SHA256.HashData(image))[..16];
        if (!Patch(image))
        {
            return null;
        }

        string folder = Path.Combine(CacheFolder(), "native", key);
        string copy = Path.Combine(folder, Path.GetFileName(path));
        if (!File.Exists(copy))
        {
            Directory.CreateDirectory(folder);
            string unfinished = $"{copy}.{Environment.ProcessId}.tmp";
            File.WriteAllBytes(unfinished, image);
            File.Move(unfinished, copy, overwrite: true);
        }

        return copy;
    }

    /// <summary>Edits the bytes in place; false, and nothing changed, if they do not ask for the newer version.</summary>
    internal static bool Patch(Span<byte> image)
    {
        if (!image.StartsWith("\u007fELF\u0002\u0001"u8))
        {
            return false;
        }

        Section[] sections = ReadSections(image);
        Section symbols = sections.Single(s => s.Type == SectionDynamicSymbols);
        int strings = sections[symbols.Link].Offset;
        int versionNeeds = sections.Single(s => s.Type == SectionVersionNeeds).Offset;
        int symbolVersions = sections.Single(s => s.Type == SectionSymbolVersions).Offset;

        int wanted = FindVersion(image, versionNeeds, strings, Wanted);
        int present = FindVersion(image, versionNeeds, strings, Present);
        int marker = FindSymbol(image, symbols, strings, Marker);
        int harmless = FindSymbol(image, symbols, strings, Harmless);
        if (wanted < 0 || present < 0 || marker < 0 || harmless < 0)
        {
            return false;
        }

        // struct Vernaux { u32 hash; u16 flags; u16 other; u32 name; u32 next; }
        image.Slice(present, 4).CopyTo(image[wanted..]);
        image.Slice(present + 8, 4).CopyTo(image[(wanted + 8)..]);

        // The marker's name and version index become those of the harmless import.
        image.Slice(symbols.Offset + (SymbolSize * harmless), 4).CopyTo(image[(symbols.Offset + (SymbolSize * marker))..]);
        image.Slice(symbolVersions + (2 * harmless), 2).CopyTo(image[(symbolVersions + (2 * marker))..]);
        return true;
    }

    private readonly record struct Section(int Type, int Offset, int Size, int Link);

    private static Section[] ReadSections(ReadOnlySpan<byte> image)
    {
        int table = (int)BinaryPrimitives.ReadInt64LittleEndian(image[0x28..]);
        int entrySize = BinaryPrimitives.ReadUInt16LittleEndian(image[0x3A..]);
        Section[] sections = new Section[BinaryPrimitives.ReadUInt16LittleEndian(image[0x3C..])];
        for (int i = 0; i < sections.Length; i++)
        {
            ReadOnlySpan<byte> header = image[(table + (i * entrySize))..];
            sections[i] = new Section(ReadInt(header, 4), ReadInt(header, 24), ReadInt(header, 32), ReadInt(header, 40));
        }

        return sections;
    }

    /// <summary>Offset of the version-need record of that name, or -1.</summary>
    private static int FindVersion(ReadOnlySpan<byte> image, int need, int strings, string version)
    {
        // struct Verneed { u16 version; u16 count; u32 file; u32 aux; u32 next; }
        for (; ; need += ReadInt(image, need + 12))
        {
            int record = need + ReadInt(image, need + 8);
            for (int i = BinaryPrimitives.ReadUInt16LittleEndian(image[(need + 2)..]); i > 0; i--)
            {
                if (Text(image, strings + ReadInt(image, record + 8)).SequenceEqual(Encoding.ASCII.GetBytes(version)))
                {
                    return record;
                }

                record += ReadInt(image, record + 12);
            }

            if (ReadInt(image, need + 12) == 0)
            {
                return -1;
            }
        }
    }

    /// <summary>Index of the dynamic symbol of that name, or -1.</summary>
    private static int FindSymbol(ReadOnlySpan<byte> image, Section symbols, int strings, string name)
    {
        byte[] wanted = Encoding.ASCII.GetBytes(name);
        for (int i = 0; i < symbols.Size / SymbolSize; i++)
        {
            if (Text(image, strings + ReadInt(image, symbols.Offset + (SymbolSize * i))).SequenceEqual(wanted))
            {
                return i;
            }
        }

        return -1;
    }

    private static int ReadInt(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadInt32LittleEndian(bytes[offset..]);

    private static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> image, int offset)
    {
        ReadOnlySpan<byte> rest = image[offset..];
        return rest[..rest.IndexOf((byte)0)];
    }

    private static string CacheFolder()
    {
        string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return Path.Combine(
            !string.IsNullOrEmpty(cache) ? cache : home.Length > 0 ? Path.Combine(home, ".cache") : Path.GetTempPath(),
            "taiyi-notebooks");
    }
}

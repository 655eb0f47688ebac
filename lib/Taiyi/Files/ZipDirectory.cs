using System.Buffers.Binary;
using System.Text;

namespace Taiyi.Files;

/// <summary>Where the stored (uncompressed) entries of a zip archive lie in its file, zip64 included.</summary>
/// <remarks>
/// System.IO.Compression hides the position of an entry's bytes, from which they are read straight into a tensor.
/// Format: <c>https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT</c>, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.5.3.
/// </remarks>
internal sealed class ZipDirectory
{
    private const uint LocalHeader = 0x04034b50, CentralHeader = 0x02014b50;
    private const uint EndOfDirectory = 0x06054b50, Zip64End = 0x06064b50, Zip64Locator = 0x07064b50;
    private const int LocalHeaderBytes = 30, CentralHeaderBytes = 46, EndBytes = 22, Zip64EndBytes = 56, LocatorBytes = 20;
    private const long MaxDirectoryBytes = 100_000_000;

    private readonly RandomAccessFile _file;
    private readonly OrderedDictionary<string, (long Header, long Bytes)> _entries = [];

    private ZipDirectory(RandomAccessFile file) => _file = file;

    /// <summary>Entry names in the archive's order.</summary>
    public IReadOnlyList<string> Names => _entries.Keys;

    /// <exception cref="InvalidDataException">The archive is truncated, malformed, compressed or encrypted.</exception>
    public static ZipDirectory Read(RandomAccessFile file)
    {
        ZipDirectory directory = new(file);
        (long offset, long bytes) = directory.FindDirectory();
        if (bytes > MaxDirectoryBytes)
        {
            throw new InvalidDataException($"its zip directory has {bytes} bytes, and at most {MaxDirectoryBytes} are allowed");
        }

        directory.ReadEntries(directory.Bytes(offset, (int)bytes));
        return directory;
    }

    /// <summary>Offset and length of an entry's bytes, or null if the archive lacks it.</summary>
    /// <exception cref="InvalidDataException">The entry lies outside the file.</exception>
    public (long Offset, long Bytes)? Find(string name)
    {
        if (!_entries.TryGetValue(name, out (long Header, long Bytes) entry))
        {
            return null;
        }

        byte[] header = Bytes(entry.Header, LocalHeaderBytes);
        if (UInt32(header, 0) != LocalHeader)
        {
            throw new InvalidDataException($"its zip entry '{name}' has no header at byte {entry.Header}");
        }

        long offset = entry.Header + LocalHeaderBytes + UInt16(header, 26) + UInt16(header, 28);
        return entry.Bytes <= _file.Length - offset
            ? (offset, entry.Bytes)
            : throw new InvalidDataException($"its zip entry '{name}' should have {entry.Bytes} bytes from byte {offset} on, but the file ends at {_file.Length}");
    }

    private (long Offset, long Bytes) FindDirectory()
    {
        int tailBytes = (int)Math.Min(_file.Length, EndBytes + ushort.MaxValue); // a comment may follow
        byte[] tail = Bytes(_file.Length - tailBytes, tailBytes);
        for (int at = tailBytes - EndBytes; at >= 0; at--)
        {
            if (UInt32(tail, at) == EndOfDirectory)
            {
                return FindZip64(_file.Length - tailBytes + at) ?? (UInt32(tail, at + 16), UInt32(tail, at + 12));
            }
        }

        throw new InvalidDataException("its zip directory at the end of the file is missing: the file is truncated");
    }

    private (long Offset, long Bytes)? FindZip64(long endOfDirectory)
    {
        if (endOfDirectory < LocatorBytes)
        {
            return null;
        }

        byte[] locator = Bytes(endOfDirectory - LocatorBytes, LocatorBytes);
        if (UInt32(locator, 0) != Zip64Locator)
        {
            return null;
        }

        byte[] end = Bytes(Int64(locator, 8), Zip64EndBytes);
        return UInt32(end, 0) == Zip64End
            ? (Int64(end, 48), Int64(end, 40))
            : throw new InvalidDataException("its zip64 directory record is missing");
    }

    private void ReadEntries(byte[] directory)
    {
        for (int at = 0; at < directory.Length;)
        {
            if (directory.Length - at < CentralHeaderBytes || UInt32(directory, at) != CentralHeader)
            {
                throw new InvalidDataException($"its zip directory is malformed at byte {at}");
            }

            int nameBytes = UInt16(directory, at + 28), extraBytes = UInt16(directory, at + 30);
            int next = at + CentralHeaderBytes + nameBytes + extraBytes + UInt16(directory, at + 32);
            if (next > directory.Length)
            {
                throw new InvalidDataException($"its zip directory ends inside the entry at byte {at}");
            }

            ReadEntry(directory.AsSpan(at, CentralHeaderBytes + nameBytes + extraBytes), nameBytes);
            at = next;
        }
    }

    private void ReadEntry(ReadOnlySpan<byte> entry, int nameBytes)
    {
        string name = Encoding.UTF8.GetString(entry.Slice(CentralHeaderBytes, nameBytes));
        bool encrypted = (UInt16(entry, 8) & 1) != 0;
        int method = UInt16(entry, 10);
        if (encrypted || method != 0)
        {
            throw new InvalidDataException($"its zip entry '{name}' is {(encrypted ? "encrypted" : "compressed")}, which torch.save never does");
        }

        ReadOnlySpan<byte> wide = Zip64Fields(entry[(CentralHeaderBytes + nameBytes)..]);
        long bytes = Widen(UInt32(entry, 24), ref wide);
        _ = Widen(UInt32(entry, 20), ref wide); // the packed size, which is the same
        long header = Widen(UInt32(entry, 42), ref wide);
        if (!_entries.TryAdd(name, (header, bytes)))
        {
            throw new InvalidDataException($"its zip entry '{name}' is listed twice");
        }
    }

    /// <summary>The 64-bit values that stand in for saturated 32-bit fields, in the fields' order.</summary>
    private static ReadOnlySpan<byte> Zip64Fields(ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            int id = UInt16(extra, 0), length = Math.Min(UInt16(extra, 2), extra.Length - 4);
            if (id == 1)
            {
                return extra.Slice(4, length);
            }

            extra = extra[(4 + length)..];
        }

        return [];
    }

    private static long Widen(long value, ref ReadOnlySpan<byte> wide)
    {
        if (value != uint.MaxValue)
        {
            return value;
        }

        if (wide.Length < sizeof(long))
        {
            throw new InvalidDataException("its zip directory lacks a 64-bit size");
        }

        value = Int64(wide, 0);
        wide = wide[sizeof(long)..];
        return value;
    }

    private byte[] Bytes(long offset, int count) => offset >= 0 && count <= _file.Length - offset
        ? _file.ReadBytes(offset, count)
        : throw new InvalidDataException($"bytes {offset} to {(Int128)offset + count} are missing: the file ends at {_file.Length}");

    private static int UInt16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint UInt32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long Int64(ReadOnlySpan<byte> bytes, int at)
    {
        long value = BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);
        return value >= 0 ? value : throw new InvalidDataException($"its zip directory has the size {(ulong)value}");
    }
}

using System.IO.MemoryMappedFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Checkpoints;

/// <summary>
/// A file of any size whose bytes go straight into the memory of a tensor. Each copy maps its own stretch of the file
/// and unmaps it again, so that pages already used do not count as memory of this process.
/// </summary>
internal sealed class MappedFile : IDisposable
{
    // A span holds at most int.MaxValue bytes; a multiple of every element size keeps pieces on element borders.
    private const long PieceBytes = 1L << 30;

    private readonly MemoryMappedFile? _map;

    private MappedFile(string path, long length, MemoryMappedFile? map)
    {
        Path = path;
        Length = length;
        _map = map;
    }

    public string Path { get; }

    /// <summary>Size in bytes when the file was opened.</summary>
    public long Length { get; }

    /// <exception cref="CheckpointException">There is no such file, or it cannot be read.</exception>
    public static MappedFile Open(string path)
    {
        if (!File.Exists(path))
        {
            throw new CheckpointException($"There is no file '{path}': give the path of a .safetensors, .bin or .ckpt file.");
        }

        try
        {
            long length = new FileInfo(path).Length;
            MemoryMappedFile? map = length == 0 // an empty file cannot be mapped
                ? null
                : MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, capacity: 0, MemoryMappedFileAccess.Read);
            return new MappedFile(path, length, map);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CheckpointException($"'{path}' cannot be read: {error.Message}", error);
        }
    }

    public byte[] ReadBytes(long offset, int count)
    {
        byte[] bytes = new byte[count];
        Visit(offset, count, (piece, position) => piece.CopyTo(bytes.AsSpan((int)position)));
        return bytes;
    }

    /// <summary>
    /// Copies elements that lie one behind the other into a tensor: straight into its memory where dtype, device and
    /// strides allow, else through a temporary tensor of the same count.
    /// </summary>
    public void CopyTo(long offset, ScalarType dtype, Tensor destination)
    {
        if (destination.device_type == DeviceType.CPU && destination.dtype == dtype && destination.is_contiguous())
        {
            Fill(offset, destination);
            return;
        }

        using var noGrad = torch.no_grad();
        using Tensor source = torch.empty(destination.shape, dtype, torch.CPU);
        Fill(offset, source);
        destination.copy_(source);
    }

    public void Dispose() => _map?.Dispose();

    private void Fill(long offset, Tensor destination)
    {
        using Tensor detached = destination.detach();
        using Tensor flat = detached.view(-1);
        Visit(offset, flat.numel() * flat.ElementSize, (piece, position) =>
        {
            using Tensor target = flat.narrow(0, position / flat.ElementSize, piece.Length / flat.ElementSize);
            piece.CopyTo(target.bytes);
        });
    }

    private unsafe void Visit(long offset, long count, Action<ReadOnlySpan<byte>, long> visit)
    {
        if (offset < 0 || count < 0 || count > Length - offset)
        {
            throw new CheckpointException(
                $"'{Path}' is truncated: bytes {offset} to {offset + count} were expected, but the file has {Length}. Copy or download it again.");
        }

        if (count == 0)
        {
            return;
        }

        using MemoryMappedViewAccessor view = _map!.CreateViewAccessor(offset, count, MemoryMappedFileAccess.Read);
        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        try
        {
            pointer += view.PointerOffset; // views begin on page borders
            for (long position = 0; position < count; position += PieceBytes)
            {
                visit(new ReadOnlySpan<byte>(pointer + position, (int)Math.Min(PieceBytes, count - position)), position);
            }
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }
}

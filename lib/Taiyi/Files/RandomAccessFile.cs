using Microsoft.Win32.SafeHandles;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Files;

/// <summary>
/// A file of any size whose bytes go straight into the memory of a tensor, by reading at an offset: a mapping would cost a
/// page fault for every few pages, and count as memory of this process.
/// </summary>
internal sealed class RandomAccessFile : IDisposable
{
    // A span holds at most int.MaxValue bytes; a multiple of every element size keeps pieces on element borders.
    private const long PieceBytes = 1L << 30;

    private readonly SafeFileHandle _handle;

    private RandomAccessFile(string path, SafeFileHandle handle)
    {
        (Path, _handle) = (path, handle);
        Length = RandomAccess.GetLength(handle);
    }

    public string Path { get; }

    /// <summary>Size in bytes when the file was opened.</summary>
    public long Length { get; }

    /// <exception cref="CheckpointException">There is no such file, or it cannot be read.</exception>
    public static RandomAccessFile Open(string path)
    {
        if (!File.Exists(path))
        {
            throw new CheckpointException($"There is no file '{path}': give the path of a .safetensors, .bin or .ckpt file.");
        }

        try
        {
            return new RandomAccessFile(path, File.OpenHandle(path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CheckpointException($"'{path}' cannot be read: {error.Message}", error);
        }
    }

    public byte[] ReadBytes(long offset, int count)
    {
        CheckRange(offset, count);
        byte[] bytes = new byte[count];
        Read(offset, bytes);
        return bytes;
    }

    /// <summary>
    /// Copies contiguous elements into a tensor: straight into its memory where dtype, device and
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

    public void Dispose() => _handle.Dispose();

    private void Fill(long offset, Tensor destination)
    {
        using Tensor detached = destination.detach();
        using Tensor flat = detached.view(-1);
        long size = flat.ElementSize, count = flat.numel() * size;
        CheckRange(offset, count);
        for (long done = 0; done < count; done += PieceBytes)
        {
            using Tensor piece = flat.narrow(0, done / size, Math.Min(PieceBytes, count - done) / size);
            Read(offset + done, piece.bytes);
        }
    }

    private void CheckRange(long offset, long count)
    {
        if (offset < 0 || count < 0 || count > Length - offset)
        {
            throw Truncated(offset, count, Length);
        }
    }

    private void Read(long offset, Span<byte> bytes)
    {
        for (int done = 0; done < bytes.Length;)
        {
            int read = RandomAccess.Read(_handle, bytes[done..], offset + done);
            done += read > 0 ? read : throw Truncated(offset, bytes.Length, offset + done);
        }
    }

    private CheckpointException Truncated(long offset, long count, long length) =>
        new($"'{Path}' is truncated: bytes {offset} to {offset + count} were expected, but the file has {length}. Copy or download it again.");
}

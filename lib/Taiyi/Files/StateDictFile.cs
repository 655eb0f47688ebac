using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Files;

/// <summary>Opens a weight file of any format, recognised by its content, not by its name.</summary>
public static class StateDictFile
{
    private const int LengthBytes = sizeof(ulong);

    /// <summary>Opens a <c>.safetensors</c>, <c>.bin</c>, <c>.pt</c> or <c>.ckpt</c> file, or the JSON index of several.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The open file; dispose of it when its tensors are copied.</returns>
    /// <exception cref="CheckpointException">The file is missing, malformed, or of no known format.</exception>
    public static IStateDictFile Open(string path)
    {
        byte[] start = ReadStart(path);
        return start switch
        {
            // Before the pickle: the length of one header in 32 begins with 0x80 as well.
            [_, _, _, _, _, _, _, _, (byte)'{', ..] => SafetensorsFile.Open(path),
            [(byte)'{', ..] or [0xef, 0xbb, 0xbf, (byte)'{', ..] => ShardedStateDictFile.Open(path),
            [(byte)'P', (byte)'K', 3, 4, ..] or [0x80, ..] => TorchFile.Open(path),
            _ when Encoding.ASCII.GetString(start).StartsWith("version https://git-lfs", StringComparison.Ordinal) => throw new CheckpointException(
                $"'{path}' is only a Git LFS pointer of {new FileInfo(path).Length} bytes: run 'git lfs pull' in its folder, or download the file itself."),
            _ => throw new CheckpointException(
                $"'{path}' is neither a safetensors file nor a torch file (its {new FileInfo(path).Length} bytes begin with {Show(start)}): give a .safetensors, .bin or .ckpt file, or download it again."),
        };
    }

    /// <summary>The metadata of formats that have none.</summary>
    internal static IReadOnlyDictionary<string, string> NoMetadata { get; } = new Dictionary<string, string>();

    /// <summary>Reads the table of contents of what was just opened, and closes it again if that fails.</summary>
    internal static TFile ReadOrClose<TOpened, TFile>(TOpened opened, Func<TOpened, TFile> read)
        where TOpened : IDisposable
    {
        try
        {
            return read(opened);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary><see cref="IStateDictFile.Read"/> by <see cref="IStateDictFile.CopyTo"/>.</summary>
    internal static Tensor ReadTensor(IStateDictFile file, string name)
    {
        TensorInfo info = TensorInfo.Find(file, name);
        Tensor tensor = torch.empty(info.Shape, info.DType, torch.CPU);
        file.CopyTo(name, tensor);
        return tensor;
    }

    private static byte[] ReadStart(string path)
    {
        using RandomAccessFile file = RandomAccessFile.Open(path);
        return file.ReadBytes(0, (int)Math.Min(24, file.Length));
    }

    private static string Show(byte[] start) =>
        start.Length == 0 ? "nothing" : Convert.ToHexStringLower(start.AsSpan(0, Math.Min(start.Length, LengthBytes)));
}

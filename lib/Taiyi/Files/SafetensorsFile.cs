using static TorchSharp.torch;

namespace Taiyi.Files;

/// <summary>
/// A <c>.safetensors</c> file: eight bytes of header length (little-endian), a JSON header, then the raw tensors.
/// </summary>
/// <remarks>
/// Format: <c>https://github.com/huggingface/safetensors#format</c>. Everything the header says is checked when the file
/// is opened: a file that opens can be read to its end.
/// </remarks>
public sealed class SafetensorsFile : IStateDictFile
{
    private readonly RandomAccessFile _file;
    private readonly SafetensorsHeader _header;

    private SafetensorsFile(RandomAccessFile file, SafetensorsHeader header)
    {
        _file = file;
        _header = header;
    }

    /// <inheritdoc/>
    public string Path => _file.Path;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => _header.Tensors;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its header against the file's length.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The open file; dispose of it when its tensors are copied.</returns>
    /// <exception cref="CheckpointException">
    /// The file is missing, truncated, or its header is malformed, or a tensor has a dtype that torch lacks.
    /// </exception>
    public static SafetensorsFile Open(string path) =>
        StateDictFile.ReadOrClose(RandomAccessFile.Open(path), file => new SafetensorsFile(file, SafetensorsHeader.Read(file)));

    /// <inheritdoc/>
    public Tensor Read(string name) => StateDictFile.ReadTensor(this, name);

    /// <inheritdoc/>
    public void CopyTo(string name, Tensor destination)
    {
        TensorInfo info = TensorInfo.Find(this, name, destination);
        _file.CopyTo(_header.Offsets[name], info.DType, destination);
    }

    /// <summary>
    /// Writes tensors of any device and stride. The file appears under its name only when it is complete, and replaces
    /// an older one.
    /// </summary>
    /// <param name="path">The file to write; its folder must exist.</param>
    /// <param name="tensors">Names and tensors, kept in this order.</param>
    /// <param name="metadata">Text entries for the header, such as <c>format: pt</c>.</param>
    /// <exception cref="CheckpointException">Two tensors have the same name, or the format lacks a dtype.</exception>
    public static void Write(
        string path,
        IEnumerable<KeyValuePair<string, Tensor>> tensors,
        IReadOnlyDictionary<string, string>? metadata = null) => SafetensorsWriter.Write(path, [.. tensors], metadata);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}

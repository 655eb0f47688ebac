using static TorchSharp.torch;

namespace Taiyi.Files;

/// <summary>A weight file whose tensors are seen under the names of current models; it owns the file.</summary>
/// <remarks>
/// Which names a file uses is decided by the names themselves, never by its dtype or extension. Attention projections
/// that LDM stores as 1x1 convolutions, (C, C, 1, 1), are seen as the linear layers that they are, (C, C).
/// </remarks>
internal sealed class RenamedStateDictFile : IStateDictFile
{
    private readonly IStateDictFile _file;
    private readonly OrderedDictionary<string, TensorInfo> _tensors = [];
    private readonly Dictionary<string, string> _namesInFile = [];

    /// <param name="file">The file.</param>
    /// <param name="rename">The current name for a name in the file, or null for a tensor that is left out.</param>
    /// <exception cref="CheckpointException">Two tensors of the file have the same current name.</exception>
    public RenamedStateDictFile(IStateDictFile file, Func<string, string?> rename)
    {
        _file = file;
        foreach ((string nameInFile, TensorInfo info) in file.Tensors)
        {
            if (rename(nameInFile) is not { } name)
            {
                continue;
            }

            if (!_namesInFile.TryAdd(name, nameInFile))
            {
                throw new CheckpointException(
                    $"'{file.Path}' holds '{_namesInFile[name]}' and '{nameInFile}', which are both '{name}': remove one of the two.");
            }

            _tensors[name] = new TensorInfo(name, info.DType, IsProjection(name, info) ? info.Shape[..2] : info.Shape);
        }
    }

    public string Path => _file.Path;

    public IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    public IReadOnlyDictionary<string, string> Metadata => _file.Metadata;

    public Tensor Read(string name)
    {
        TensorInfo info = TensorInfo.Find(this, name);
        using Tensor tensor = _file.Read(_namesInFile[name]);
        return tensor.view(info.Shape);
    }

    public void CopyTo(string name, Tensor destination)
    {
        TensorInfo.Find(this, name, destination);
        string nameInFile = _namesInFile[name];
        if (_file.Tensors[nameInFile].Shape.Length == destination.dim())
        {
            _file.CopyTo(nameInFile, destination);
            return;
        }

        using Tensor row = destination.detach().unsqueeze(-1);
        using Tensor convolution = row.unsqueeze(-1); // (C, C, 1, 1)
        _file.CopyTo(nameInFile, convolution);
    }

    public void Dispose() => _file.Dispose();

    private static bool IsProjection(string name, TensorInfo info) =>
        info.Shape is [_, _, 1, 1] && (name.Contains(".to_q.") || name.Contains(".to_k.") || name.Contains(".to_v.") || name.Contains(".to_out.0."));
}

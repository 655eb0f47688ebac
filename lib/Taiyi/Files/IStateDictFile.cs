using static TorchSharp.torch;

namespace Taiyi.Files;

/// <summary>
/// A file of named tensors, open for reading: <see cref="SafetensorsFile"/> or <see cref="TorchFile"/>.
/// </summary>
/// <remarks>
/// Opening reads the table of contents alone. A tensor's data is read when it is asked for, straight into the tensor, so a file
/// needs no memory of its own beside the tensors that are filled from it.
/// </remarks>
public interface IStateDictFile : IDisposable
{
    /// <summary>The file's path, as it was given.</summary>
    string Path { get; }

    /// <summary>All tensors of the file by name, in the file's order.</summary>
    IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>Text entries beside the tensors.</summary>
    IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Reads one tensor into new CPU memory, in the dtype of the file.</summary>
    /// <param name="name">A key of <see cref="Tensors"/>.</param>
    /// <returns>A new tensor that the caller disposes of.</returns>
    /// <exception cref="CheckpointException">The file has no such tensor.</exception>
    Tensor Read(string name);

    /// <summary>Copies one tensor into an existing one, whose dtype, device and strides may be any.</summary>
    /// <param name="name">A key of <see cref="Tensors"/>.</param>
    /// <param name="destination">A tensor of the same shape; overwritten, outside autograd.</param>
    /// <exception cref="CheckpointException">The file has no such tensor, or its shape is another.</exception>
    void CopyTo(string name, Tensor destination);
}

using TorchSharp;

namespace Taiyi.Data;

/// <summary>One picture, ready for training, with its caption.</summary>
/// <param name="PixelValues">(3, size, size), float32 in [-1, 1], on the CPU; disposed with the item.</param>
/// <param name="Caption">What the picture shows.</param>
/// <param name="Path">The file it came from.</param>
public sealed record Text2ImageItem(torch.Tensor PixelValues, string Caption, string Path) : IDisposable
{
    /// <summary>Frees the pixels.</summary>
    public void Dispose() => PixelValues.Dispose();
}

using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>Gaussian noise in which every picture of a batch has its own source, so that it comes out as it would alone.</summary>
public static class ImageNoise
{
    /// <summary>Draws unit Gaussian noise, (B, …); the caller owns it.</summary>
    /// <param name="shape">Shape of the batch; its first axis is the picture.</param>
    /// <param name="generators">One generator a picture, on any device; null draws all from torch's global generator.</param>
    /// <param name="device">Where the result lives; null is the CPU.</param>
    /// <remarks>
    /// The dtype is float32 and the draw happens on the generator's own device: the same seed gives the same noise, whatever the
    /// network's dtype and device.
    /// </remarks>
    /// <exception cref="ArgumentException">The number of generators is not the number of pictures.</exception>
    public static Tensor Draw(ReadOnlySpan<long> shape, IReadOnlyList<Generator>? generators, Device? device = null)
    {
        using var scope = NewDisposeScope();
        if (generators == null)
        {
            return randn(shape, float32, device).MoveToOuterDisposeScope();
        }

        if (generators.Count != shape[0])
        {
            throw new ArgumentException($"{generators.Count} generators were given for {shape[0]} pictures: give one for each.");
        }

        long[] one = [1, .. shape[1..]];
        Tensor[] pictures = [.. generators.Select(generator => randn(one, float32, generator.device, generator: generator))];
        return cat(pictures, 0).to(device ?? CPU).MoveToOuterDisposeScope(); // (B, …)
    }

    /// <summary>The noise of one step, float32: the given tensor, or a draw of the sample's shape.</summary>
    internal static Tensor ForStep(Tensor sample, IReadOnlyList<Generator>? generators, Tensor? noise)
    {
        if (noise is null)
        {
            return Draw(sample.shape, generators, sample.device);
        }

        return noise.shape.SequenceEqual(sample.shape)
            ? noise.to(float32)
            : throw new ArgumentException(
                $"noise has shape [{string.Join(", ", noise.shape)}]; the sample has [{string.Join(", ", sample.shape)}].");
    }
}

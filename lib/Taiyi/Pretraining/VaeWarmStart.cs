using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Pretraining;

/// <summary>Begins a VAE with the weights of another one, wherever they fit.</summary>
/// <remarks>
/// The levels near the picture do the same work at every factor: a VAE with a level more keeps them, and learns the inner one and
/// what touches the latents anew. The decoder counts its blocks from the latents outwards, the encoder from the picture inwards.
/// </remarks>
public static class VaeWarmStart
{
    private const string UpBlocks = "decoder.up_blocks.";

    /// <summary>Copies every weight whose place and shape are the same.</summary>
    /// <param name="from">The trained network.</param>
    /// <param name="to">The network that begins: any resolutions, channels and latents.</param>
    /// <returns>Number of weights that were copied; all of <paramref name="to"/> where both have the same sizes.</returns>
    public static int Copy(AutoencoderKL from, AutoencoderKL to)
    {
        using IDisposable noGrad = no_grad();
        int more = to.Config.BlockOutChannels.Count - from.Config.BlockOutChannels.Count, copied = 0;
        Dictionary<string, Tensor> given = from.named_parameters().ToDictionary(named => named.name, named => (Tensor)named.parameter);
        foreach ((string name, Tensor weight) in to.named_parameters().Select(named => (named.name, (Tensor)named.parameter)))
        {
            string source = Source(name, more);
            if (given.TryGetValue(source, out Tensor? value) && value.shape.SequenceEqual(weight.shape))
            {
                weight.copy_(value);
                copied++;
            }
        }

        return copied;
    }

    // The name in a network of so many levels fewer. An innermost block that has no counterpart takes the one of the same number.
    private static string Source(string name, int more)
    {
        if (!name.StartsWith(UpBlocks, StringComparison.Ordinal))
        {
            return name;
        }

        int end = name.IndexOf('.', UpBlocks.Length), block = int.Parse(name.AsSpan(UpBlocks.Length, end - UpBlocks.Length), System.Globalization.CultureInfo.InvariantCulture);
        return $"{UpBlocks}{(block >= more ? block - more : block)}{name[end..]}";
    }
}

using System.Globalization;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Workshop.Pretraining;

/// <summary>Begins a network with the weights of another one of its kind, wherever they fit.</summary>
public static class WarmStart
{
    private const string UpBlocks = "decoder.up_blocks.";

    /// <summary>Copies every weight whose name and shape are the same.</summary>
    /// <param name="from">The trained network.</param>
    /// <param name="to">The network that begins.</param>
    /// <returns>Number of weights that were copied.</returns>
    public static int Copy(nn.Module from, nn.Module to) => Copy(from, to, name => name);

    /// <summary>
    /// The same for VAEs of other numbers of resolutions. The levels near the picture do the same work at every factor: a VAE with a
    /// level more keeps them, and learns the inner one and what touches the latents anew.
    /// </summary>
    /// <inheritdoc cref="Copy(nn.Module, nn.Module)"/>
    public static int Copy(AutoencoderKL from, AutoencoderKL to)
    {
        int more = to.Config.BlockOutChannels.Count - from.Config.BlockOutChannels.Count;
        return Copy(from, to, name => name.StartsWith(UpBlocks, StringComparison.Ordinal) ? UpBlock(name, more) : name);
    }

    private static int Copy(nn.Module from, nn.Module to, Func<string, string> sourceOf)
    {
        using IDisposable noGrad = no_grad();
        Dictionary<string, Tensor> given = from.named_parameters().ToDictionary(named => named.name, named => (Tensor)named.parameter);
        int copied = 0;
        foreach ((string name, Tensor weight) in to.named_parameters().Select(named => (named.name, (Tensor)named.parameter)))
        {
            if (given.TryGetValue(sourceOf(name), out Tensor? value) && value.shape.SequenceEqual(weight.shape))
            {
                weight.copy_(value);
                copied++;
            }
        }

        return copied;
    }

    // The decoder counts its blocks from the latents outwards, the encoder from the picture inwards. An innermost block without
    // counterpart takes the one of the same number.
    private static string UpBlock(string name, int more)
    {
        int end = name.IndexOf('.', UpBlocks.Length), block = int.Parse(name.AsSpan(UpBlocks.Length, end - UpBlocks.Length), CultureInfo.InvariantCulture);
        return $"{UpBlocks}{(block >= more ? block - more : block)}{name[end..]}";
    }
}

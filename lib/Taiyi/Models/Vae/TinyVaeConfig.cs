using Taiyi.Files;

namespace Taiyi.Models;

/// <summary>Sizes of one half of a tiny VAE (<see cref="TinyDecoder"/>, <see cref="TinyEncoder"/>). Its files need no config: the sizes are those of its weights.</summary>
/// <param name="Blocks">Residual blocks of each resolution, in the order of the layers; neighbours differ by a factor of two.</param>
/// <param name="Channels">Channels of every map in between.</param>
/// <param name="LatentChannels">Channels of the latents.</param>
public sealed record TinyVaeConfig(IReadOnlyList<int> Blocks, int Channels, int LatentChannels)
{
    /// <summary>Pixels of the picture's side for one of the latents' side.</summary>
    public int DownscaleFactor => 1 << (Blocks.Count - 1);

    /// <summary>Reads the sizes off the weights of a half: layer 0 is a convolution, then come residual blocks, and a convolution after those of each resolution.</summary>
    /// <param name="file">Tensors <c>layers.N.weight</c> and <c>layers.N.conv.0.weight</c>.</param>
    /// <exception cref="CheckpointException">They are not those of such a network.</exception>
    internal static TinyVaeConfig Of(IStateDictFile file)
    {
        int[] convolutions = [.. Layers(file, ".weight").Skip(1)], blocks = [.. Layers(file, ".conv.0.weight")];
        if (!file.Tensors.TryGetValue("layers.0.weight", out TensorInfo? first) || first.Shape is not [> 0, > 0, _, _]
            || convolutions.Length is 0 or > MostResolutions || file.Tensors[$"layers.{convolutions[^1]}.weight"].Shape is not [> 0, _, _, _])
        {
            throw new CheckpointException($"'{file.Path}' is no tiny VAE: it needs a convolution first and last, and 1 to {MostResolutions} resolutions. Give TAESD's own files or those of diffusers' AutoencoderTiny.");
        }

        long[] last = file.Tensors[$"layers.{convolutions[^1]}.weight"].Shape;
        int[] counts = [.. convolutions.Select((end, i) => blocks.Count(block => block < end && (i == 0 || block > convolutions[i - 1])))];
        return new TinyVaeConfig(counts, (int)first.Shape[0], (int)(first.Shape[1] == PictureChannels ? last[0] : first.Shape[1]));
    }

    private const string Prefix = "layers.";
    private const int MostResolutions = 8; // a factor of 128; the public ones have four

    /// <summary>Red, green, blue.</summary>
    internal const int PictureChannels = 3;

    // Numbers of the layers that have a tensor of that ending, rising.
    private static IEnumerable<int> Layers(IStateDictFile file, string ending) =>
        from name in file.Tensors.Keys
        where name.Length > Prefix.Length + ending.Length && name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(ending, StringComparison.Ordinal)
        let number = int.TryParse(name.AsSpan(Prefix.Length, name.Length - Prefix.Length - ending.Length), out int layer) ? layer : -1
        where number >= 0
        orderby number
        select number;
}

using Taiyi.Files;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Lora;

/// <summary>The modules of a network that can take a LoRA, and whether a file's matrices fit them.</summary>
internal static class LoraTargets
{
    /// <summary>
    /// Linear layers and convolutions of any kernel: attention, feed-forward, <c>time_emb_proj</c>, <c>conv1</c>, the samplers,
    /// <c>conv_in</c> and <c>conv_out</c>; by path, in ordinal order.
    /// </summary>
    public static SortedDictionary<string, WeightedLayer> Find(nn.Module unet)
    {
        SortedDictionary<string, WeightedLayer> modules = new(StringComparer.Ordinal);
        foreach ((string path, nn.Module module) in unet.named_modules())
        {
            if (module is Linear or Conv2d)
            {
                modules.Add(path, (WeightedLayer)module);
            }
        }

        return modules;
    }

    /// <summary>Stride and padding of a convolution; 1 and 0 for a linear layer, which is one at every pixel.</summary>
    public static (long Stride, long Padding) Window(WeightedLayer module) =>
        module is Conv2d convolution ? (convolution.Stride, convolution.Padding) : (1, 0);

    /// <summary>Compares a module's matrices with its weight (out, in) or (out, in, kernel, kernel).</summary>
    /// <exception cref="CheckpointException">The first misfit: its key, shape in the file and shape in the model.</exception>
    public static void RefuseOtherBase(string file, string path, LoraMatrices matrices, long[] weight)
    {
        Refuse(matrices.DownKey, matrices.Down.shape, [matrices.Rank, .. weight[1..]]);
        Refuse(matrices.UpKey, matrices.Up.shape, [weight[0], matrices.Rank]);

        void Refuse(string key, long[] actual, long[] expected)
        {
            // A kernel of 1 × 1 may be written or left out.
            bool fits = actual.Take(expected.Length).SequenceEqual(expected.Take(actual.Length))
                && actual.Skip(expected.Length).Concat(expected.Skip(actual.Length)).All(kernel => kernel == 1);
            if (!fits)
            {
                throw new CheckpointException(
                    $"The LoRA '{file}' was made for another base model: '{key}' is {TensorInfo.FormatShape(actual)} in the file, "
                    + $"and '{path}' of this UNet needs {TensorInfo.FormatShape(expected)}.");
            }
        }
    }
}

using Taiyi.Files;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Lora;

/// <summary>The modules of a network that can take a LoRA, and whether a file's matrices fit them.</summary>
internal static class LoraTargets
{
    /// <summary>
    /// Linear layers, and 1×1 convolutions (<c>proj_in</c> and <c>proj_out</c> around each transformer), which are linear maps
    /// at every pixel; by path, in ordinal order.
    /// </summary>
    public static SortedDictionary<string, WeightedLayer> Find(nn.Module unet)
    {
        SortedDictionary<string, WeightedLayer> modules = new(StringComparer.Ordinal);
        foreach ((string path, nn.Module module) in unet.named_modules())
        {
            if (module is Linear || (module is Conv2d convolution && convolution.Weight.shape is [_, _, 1, 1]))
            {
                modules.Add(path, (WeightedLayer)module);
            }
        }

        return modules;
    }

    /// <summary>Compares a module's matrices with its weight (out, in) or (out, in, 1, 1).</summary>
    /// <exception cref="CheckpointException">The first misfit: its key, shape in the file and shape in the model.</exception>
    public static void RefuseOtherBase(string file, string path, LoraMatrices matrices, long[] weight)
    {
        Refuse(matrices.DownKey, matrices.Down.shape, [matrices.Rank, weight[1]]);
        Refuse(matrices.UpKey, matrices.Up.shape, [weight[0], matrices.Rank]);

        void Refuse(string key, long[] actual, long[] expected)
        {
            bool fits = actual.Take(2).SequenceEqual(expected) && actual.Skip(2).All(kernel => kernel == 1);
            if (!fits)
            {
                throw new CheckpointException(
                    $"The LoRA '{file}' was made for another base model: '{key}' is {TensorInfo.FormatShape(actual)} in the file, "
                    + $"and '{path}' of this UNet needs {TensorInfo.FormatShape(expected)}.");
            }
        }
    }
}

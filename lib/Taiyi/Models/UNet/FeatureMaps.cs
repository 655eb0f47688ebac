using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>The output of one block of a UNet.</summary>
/// <param name="Name">The block's path in the state dict, for example <c>down_blocks.0</c>.</param>
/// <param name="Kind">Its class.</param>
/// <param name="Output">(B, C, H, W), a copy that lives as long as its <see cref="FeatureMaps"/>.</param>
public sealed record FeatureMap(string Name, string Kind, Tensor Output);

/// <summary>The output of each block of a UNet in one forward pass: on the way down, in the middle and up again.</summary>
/// <remarks>For inspection: it costs a copy of every output. Dispose it after use.</remarks>
public sealed class FeatureMaps : IDisposable
{
    private readonly List<FeatureMap> _blocks = [];

    private FeatureMaps()
    {
    }

    /// <summary>The blocks in the order in which they ran; the last, <c>conv_out</c>, is the prediction.</summary>
    public IReadOnlyList<FeatureMap> Blocks => _blocks;

    /// <summary>Runs the network once, without gradients, and keeps the output of every block.</summary>
    /// <param name="unet">The network; it is left as it was.</param>
    /// <param name="sample">x_t, (B, C, H, W).</param>
    /// <param name="timestep">Training timestep: one for all, or (B).</param>
    /// <param name="encoderHiddenStates">Encoded captions, (B, L, D).</param>
    /// <exception cref="ArgumentException">An input has another shape than the network takes.</exception>
    public static FeatureMaps Of(UNet2DConditionModel unet, Tensor sample, Tensor timestep, Tensor encoderHiddenStates)
    {
        FeatureMaps maps = new();
        List<Action> removeHooks = [];
        try
        {
            foreach ((string name, Module module) in unet.named_modules())
            {
                removeHooks.AddRange(Hook(name, module, output => maps._blocks.Add(
                    new FeatureMap(name, module.GetType().Name, output.clone().DetachFromDisposeScope()))));
            }

            using IDisposable noGrad = no_grad();
            using Tensor prediction = unet.call(sample, timestep, encoderHiddenStates); // (B, C, H, W)
            return maps;
        }
        catch
        {
            maps.Dispose();
            throw;
        }
        finally
        {
            removeHooks.ForEach(remove => remove());
        }
    }

    // The hooks differ by what a block takes; what it puts out stays as it is.
    private static Action[] Hook(string name, Module module, Action<Tensor> keep)
    {
        return module switch
        {
            DownBlock2D block => [block.register_forward_hook((_, _, _, _, _, output) => Keep(output)).remove],
            UNetMidBlock2DCrossAttn block => [block.register_forward_hook((_, _, _, _, output) => Keep(output)).remove],
            UpBlock2D block => [block.register_forward_hook((_, _, _, _, _, output) => Keep(output)).remove],
            Conv2d convolution when name is "conv_in" or "conv_out" => [convolution.register_forward_hook((_, _, output) => Keep(output)).remove],
            _ => [],
        };

        Tensor Keep(Tensor output)
        {
            keep(output);
            return output;
        }
    }

    /// <summary>Frees the copies.</summary>
    public void Dispose() => _blocks.ForEach(block => block.Output.Dispose());
}

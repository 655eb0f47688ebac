using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>ReLU(x + three 3x3 convolutions of x), without any norm.</summary>
/// <remarks>TAESD (https://github.com/madebyollin/taesd, taesd.py), <c>Block</c>; diffusers, models/unets/unet_2d_blocks.py, <c>AutoencoderTinyBlock</c>.</remarks>
/// <param name="channels">C.</param>
public sealed class TinyBlock(long channels) : Module<Tensor, Tensor>(nameof(TinyBlock))
{
    [ComponentName(Name = "conv")]
    private readonly ModuleList<Module<Tensor, Tensor>> _conv = new(
        new Conv2d(channels, channels, kernelSize: 3, padding: 1), ReLU(), new Conv2d(channels, channels, kernelSize: 3, padding: 1), ReLU(), new Conv2d(channels, channels, kernelSize: 3, padding: 1));

    /// <summary>(B, C, H, W) -> (B, C, H, W).</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return Walk(_conv, input.alias()).add_(input).relu_().MoveToOuterDisposeScope();
    }

    /// <summary>Goes through layers; each map is freed once the next exists, the first one too.</summary>
    internal static Tensor Walk(IEnumerable<Module<Tensor, Tensor>> layers, Tensor input)
    {
        Tensor hidden = input;
        foreach (Module<Tensor, Tensor> layer in layers)
        {
            using Tensor before = hidden;
            hidden = layer.call(before);
        }

        return hidden;
    }
}

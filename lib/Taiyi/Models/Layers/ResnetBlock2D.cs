using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>Two 3x3 convolutions around the time embedding, added to their input. In the VAE there is no time.</summary>
/// <remarks>diffusers, models/resnet.py, <c>ResnetBlock2D</c>.</remarks>
public sealed class ResnetBlock2D(long inChannels, long outChannels, long groups, double eps, long? tembChannels = null)
    : Module<Tensor, Tensor?, Tensor>(nameof(ResnetBlock2D))
{
    [ComponentName(Name = "norm1")]
    private readonly GroupNorm _norm1 = new(groups, inChannels, eps);

    [ComponentName(Name = "conv1")]
    private readonly Conv2d _conv1 = new(inChannels, outChannels, kernelSize: 3, padding: 1);

    [ComponentName(Name = "time_emb_proj")]
    private readonly Linear? _timeEmbProj = tembChannels is long width ? new(width, outChannels) : null;

    [ComponentName(Name = "norm2")]
    private readonly GroupNorm _norm2 = new(groups, outChannels, eps);

    [ComponentName(Name = "conv2")]
    private readonly Conv2d _conv2 = new(outChannels, outChannels, kernelSize: 3, padding: 1);

    [ComponentName(Name = "conv_shortcut")]
    private readonly Conv2d? _convShortcut = inChannels == outChannels ? null : new(inChannels, outChannels, kernelSize: 1);

    /// <summary>(B, inChannels, H, W) and a time embedding (B, tembChannels), null in the VAE -> (B, outChannels, H, W).</summary>
    public override Tensor forward(Tensor sample, Tensor? temb)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = Hidden(sample, temb); // (B, outChannels, H, W)
        Tensor shortcut = _convShortcut?.call(sample) ?? sample;
        return hidden.add_(shortcut).MoveToOuterDisposeScope();
    }

    // A scope of its own: the map between the convolutions is gone before the shortcut is made.
    private Tensor Hidden(Tensor sample, Tensor? temb)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = _norm1.SiluConvolve(_conv1, sample);
        if (_timeEmbProj is not null)
        {
            Tensor shift = _timeEmbProj.call(functional.silu(temb!)); // (B, outChannels)
            hidden.add_(shift[.., .., TensorIndex.None, TensorIndex.None]);
        }

        return _norm2.SiluConvolve(_conv2, hidden).MoveToOuterDisposeScope();
    }
}

using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>Predicts the noise ε_θ(x_t, t, c) in a noisy latent x_t, given the timestep and the encoded caption.</summary>
/// <remarks>
/// diffusers, models/unets/unet_2d_condition.py, <c>UNet2DConditionModel</c>; the architecture of arXiv:2112.10752. Letters:
/// B pictures, C channels, H and W height and width, L tokens, D width of a token.
/// </remarks>
public sealed class UNet2DConditionModel : Module<Tensor, Tensor, Tensor, Tensor>
{
    [ComponentName(Name = "conv_in")]
    private readonly Conv2d _convIn;

    [ComponentName(Name = "time_embedding")]
    private readonly TimestepEmbedding _timeEmbedding;

    [ComponentName(Name = "down_blocks")]
    private readonly ModuleList<DownBlock2D> _downBlocks = new();

    [ComponentName(Name = "mid_block")]
    private readonly UNetMidBlock2DCrossAttn _midBlock;

    [ComponentName(Name = "up_blocks")]
    private readonly ModuleList<UpBlock2D> _upBlocks = new();

    [ComponentName(Name = "conv_norm_out")]
    private readonly GroupNorm _convNormOut;

    [ComponentName(Name = "conv_out")]
    private readonly Conv2d _convOut;

    /// <summary>Builds the network with weights that are allocated, not initialised, and frozen.</summary>
    /// <param name="config">The sizes, from the model's own <c>unet/config.json</c>.</param>
    /// <param name="device">Device of the weights: the CPU when null; the meta device gives names and shapes without memory.</param>
    /// <param name="dtype">What the weights are kept in: float32 when null. See <see cref="Precision.ComputeDType"/>.</param>
    public UNet2DConditionModel(UNet2DConditionConfig config, Device? device = null, ScalarType? dtype = null)
        : base(nameof(UNet2DConditionModel))
    {
        Config = config;
        IReadOnlyList<int> channels = config.BlockOutChannels;
        int last = channels.Count - 1;
        _convIn = new(config.InChannels, channels[0], kernelSize: 3, padding: 1);
        _timeEmbedding = new(channels[0], config.TimeEmbedDim);
        for (int i = 0; i <= last; i++)
        {
            bool crossAttention = config.DownBlockTypes[i] == "CrossAttnDownBlock2D";
            _downBlocks.append(new DownBlock2D(config, channels[Math.Max(i - 1, 0)], channels[i], crossAttention, downsample: i < last));
        }

        _midBlock = new(config, channels[last]);
        for (int i = last; i >= 0; i--)
        {
            bool crossAttention = config.UpBlockTypes[last - i] == "CrossAttnUpBlock2D";
            long fromBelow = channels[Math.Min(i + 1, last)];
            _upBlocks.append(new UpBlock2D(config, fromBelow, channels[i], channels[Math.Max(i - 1, 0)], crossAttention, upsample: i > 0));
        }

        _convNormOut = new(config.NormNumGroups, channels[0], config.NormEps);
        _convOut = new(channels[0], config.OutChannels, kernelSize: 3, padding: 1);
        RegisterComponents();
        WeightedLayer.Allocate(this, device, dtype);
    }

    /// <summary>The sizes that this network was built with.</summary>
    public UNet2DConditionConfig Config { get; }

    /// <summary>
    /// Whether each layer keeps only its inputs for the backward pass and computes the rest anew (arXiv 1604.06174): much
    /// less memory in training for about one more forward pass, and the same gradients. Off by default.
    /// </summary>
    public bool GradientCheckpointing
    {
        get => _midBlock.GradientCheckpointing;
        set
        {
            _midBlock.GradientCheckpointing = value;
            foreach (DownBlock2D block in _downBlocks)
            {
                block.GradientCheckpointing = value;
            }

            foreach (UpBlock2D block in _upBlocks)
            {
                block.GradientCheckpointing = value;
            }
        }
    }

    /// <summary>Noise prediction (velocity, for a v-prediction model).</summary>
    /// <param name="sample">Noisy latents x_t, (B, InChannels, H, W), near unit variance.</param>
    /// <param name="timestep">Training timestep 0 to 999, whole or fractional: one for all, or (B).</param>
    /// <param name="encoderHiddenStates">
    /// Encoded captions c, (B, L, CrossAttentionDim); or (kB, L, CrossAttentionDim), k captions for each
    /// latent in k blocks of B, with one timestep for all: the layers before the first cross-attention are then computed once.
    /// </param>
    /// <returns>(B, OutChannels, H, W), or (kB, OutChannels, H, W), in the sample's dtype.</returns>
    /// <exception cref="ArgumentException">An input has another shape.</exception>
    public override Tensor forward(Tensor sample, Tensor timestep, Tensor encoderHiddenStates)
    {
        CheckShapes(sample, timestep, encoderHiddenStates);
        using var scope = NewDisposeScope();

        // 0. no centering: center_input_sample is false in this family.
        Tensor input = sample.to(_convIn.ComputeDType);

        // 1. time
        Tensor sinusoids = TimestepEmbedding.Sinusoids(timestep.reshape(-1), Config.BlockOutChannels[0]); // (1 or B, C0)
        Tensor temb = _timeEmbedding.call(sinusoids.to(input.dtype)); // (1 or B, 4 C0)

        // 2. pre-process
        Tensor hidden = _convIn.call(input); // (B, C0, H, W)

        // 3. down
        Stack<Tensor> skips = new([hidden]);
        foreach (DownBlock2D block in _downBlocks)
        {
            hidden = block.call(hidden, temb, encoderHiddenStates, skips); // (B, C, H/2, W/2)
        }

        // 4. mid
        hidden = _midBlock.call(hidden, temb, encoderHiddenStates); // (B, C, H/8, W/8) for four blocks

        // 5. up
        foreach (UpBlock2D block in _upBlocks)
        {
            using Tensor below = hidden; // used here alone
            hidden = block.call(below, temb, encoderHiddenStates, skips); // (B, C, 2H, 2W)
        }

        // 6. post-process
        return _convNormOut.SiluConvolve(_convOut, hidden).to(sample.dtype).MoveToOuterDisposeScope(); // (B, OutChannels, H, W)
    }

    private void CheckShapes(Tensor sample, Tensor timestep, Tensor encoderHiddenStates)
    {
        if (sample.dim() != 4 || sample.shape[1] != Config.InChannels)
        {
            throw new ArgumentException(
                $"sample is ({string.Join(", ", sample.shape)}), but this UNet takes latents (B, {Config.InChannels}, H, W): encode the picture with the VAE of the same model first.");
        }

        if (encoderHiddenStates.dim() != 3 || encoderHiddenStates.shape[2] != Config.CrossAttentionDim)
        {
            throw new ArgumentException(
                $"encoderHiddenStates is ({string.Join(", ", encoderHiddenStates.shape)}), but this UNet takes captions (B, L, {Config.CrossAttentionDim}): use the text encoder of the same model.");
        }

        (long latents, long captions, long timesteps) = (sample.shape[0], encoderHiddenStates.shape[0], timestep.numel());
        if (captions % latents != 0 || (timesteps != 1 && (timesteps != latents || captions != latents)))
        {
            throw new ArgumentException(
                $"There are {latents} latents, {timesteps} timesteps and {captions} captions: give a timestep and a caption for each, or one timestep for all and as many captions for each.");
        }
    }
}

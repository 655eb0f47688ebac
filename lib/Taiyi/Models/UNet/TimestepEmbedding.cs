using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>Sinusoids of the timestep through two linear layers: how the network learns how noisy its input is.</summary>
/// <remarks>diffusers, models/embeddings.py, <c>get_timestep_embedding</c> and <c>TimestepEmbedding</c>.</remarks>
public sealed class TimestepEmbedding(long channels, long timeEmbedDim) : Module<Tensor, Tensor>(nameof(TimestepEmbedding))
{
    [ComponentName(Name = "linear_1")]
    private readonly Linear _linear1 = new(channels, timeEmbedDim);

    [ComponentName(Name = "linear_2")]
    private readonly Linear _linear2 = new(timeEmbedDim, timeEmbedDim);

    /// <summary>Sinusoids (B, channels) -> embedding (B, timeEmbedDim).</summary>
    public override Tensor forward(Tensor sinusoids)
    {
        using var scope = NewDisposeScope();
        return _linear2.call(functional.silu(_linear1.call(sinusoids), inplace: true)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// [cos(tωᵢ), sin(tωᵢ)] with ωᵢ = 10000^(-i / (dim/2)): the positional encoding of arXiv:1706.03762, section 3.5, with
    /// the cosines first (<c>flip_sin_to_cos</c>).
    /// </summary>
    /// <param name="timesteps">Training timesteps 0 to 999, whole or fractional, (B).</param>
    /// <param name="dim">Width of the result, even.</param>
    /// <returns>(B, dim), float32 whatever the network's dtype: in 16 bits 981 and 982 would be the same number.</returns>
    public static Tensor Sinusoids(Tensor timesteps, long dim)
    {
        using var scope = NewDisposeScope();
        long half = dim / 2;
        Tensor exponent = -Math.Log(10000) * arange(half, dtype: ScalarType.Float32, device: timesteps.device) / half; // (dim/2)
        Tensor angles = timesteps.to(ScalarType.Float32).unsqueeze(1) * exponent.exp(); // (B, dim/2)
        return cat([angles.cos(), angles.sin()], dim: -1).MoveToOuterDisposeScope();
    }
}

using Taiyi.Lora;
using Taiyi.Models;
using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Training;

/// <summary>
/// The objective of LCM-LoRA (arXiv 2311.05556), latent consistency distillation (arXiv 2310.04378, Algorithm 1) of a LoRA: the network
/// with the LoRA, the student, learns to say from every point of a path to the picture what it says one solver step further on. The path
/// is that of the network without the LoRA, the teacher, under guidance, so the student needs none.
/// </summary>
/// <remarks>
/// Notation (name here → the paper's): x₀ → z, timesteps t_n of the grid → k-1, 2k-1, … T-1 with k = T / N, guided teacher → ε̃ of eq. (10),
/// SolverStep → Ψ, DDIM's step, Consistency → f_θ(x_t, c, t) of eq. (9). As with every LCM-LoRA the target is the student itself without
/// gradient, and the network is told nothing of ω. Letters: B pictures, C latent channels, L tokens of width D.
/// </remarks>
/// <param name="unet">The network, with the adapter on it.</param>
/// <param name="adapter">The student's LoRA; switched off where the teacher speaks.</param>
/// <param name="config">The model's noise schedule and what its network predicts; LCM's scaling of timesteps.</param>
/// <param name="solverSteps">N, timesteps of the solver's grid: at least the steps that will be drawn with; 50 is LCM's.</param>
public sealed class ConsistencyLoss(UNet2DConditionModel unet, LoraAdapter adapter, SchedulerConfig config, int solverSteps = 50)
{
    private const double HuberC = 0.001; // c of the pseudo-Huber loss, as in diffusers' train_lcm_distill_lora_sd.py

    private readonly int _stride = config.NumTrainTimesteps / solverSteps; // k

    /// <summary>The noise schedule.</summary>
    public NoiseSchedule Schedule { get; } = new(config);

    /// <summary>The loss of one batch, a scalar in float32 whose backward pass gives the gradients of the LoRA; the caller owns it.</summary>
    /// <param name="x0">Scaled latents of the pictures, (B, C, H, W) float32.</param>
    /// <param name="context">Their captions, encoded, (B, L, D).</param>
    /// <param name="unconditional">The empty caption, encoded, (1 or B, L, D).</param>
    /// <param name="draws">The random numbers of this pass.</param>
    public Tensor Compute(Tensor x0, Tensor context, Tensor unconditional, ConsistencyDraws draws)
    {
        using var scope = NewDisposeScope();
        Tensor start = (draws.Places + 1) * _stride - 1;                                        // t_{n+k}, (B)
        Tensor xt = Schedule.AddNoise(x0, draws.Epsilon, start);                                // (B, C, H, W)
        Tensor target = Target(xt, start, context, unconditional, draws.Omega);                 // (B, C, H, W)
        Tensor error = (Consistency(xt, start, context) - target).square();
        return ((error + HuberC * HuberC).sqrt() - HuberC).mean().MoveToOuterDisposeScope();   // pseudo-Huber, arXiv 2310.14189 eq. (5)
    }

    /// <summary>What the student is to say at x_t: what it says one step of the guided teacher further on; without gradient, owned by the caller.</summary>
    /// <param name="sample">x_t, (B, C, H, W).</param>
    /// <param name="start">t, (B) int64, of the solver's grid.</param>
    /// <param name="context">(B, L, D).</param>
    /// <param name="unconditional">(1 or B, L, D).</param>
    /// <param name="omega">ω, (B).</param>
    public Tensor Target(Tensor sample, Tensor start, Tensor context, Tensor unconditional, Tensor omega)
    {
        using IDisposable noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor end = (start - _stride).clamp_min(0);                                            // t_n, (B); 0 is the end of the grid
        Tensor previous = SolverStep(sample, start, end, context, unconditional, omega);
        return Consistency(previous, end, context).MoveToOuterDisposeScope();
    }

    /// <summary>f_θ(x_t, c, t) = c_skip(t) x_t + c_out(t) x̂₀, the picture that the student sees in x_t; the caller owns it.</summary>
    /// <param name="sample">x_t, (B, C, H, W).</param>
    /// <param name="timesteps">t, (B) int64.</param>
    /// <param name="context">(B, L, D).</param>
    public Tensor Consistency(Tensor sample, Tensor timesteps, Tensor context)
    {
        using var scope = NewDisposeScope();
        Tensor x0 = Schedule.PredictOriginalSample(unet.call(sample, timesteps, context), sample, timesteps);
        using Tensor onCpu = timesteps.cpu();
        (double Skip, double Output)[] boundary = [.. onCpu.data<long>().Select(t => LCMScheduler.Boundary(t, config.TimestepScaling))];
        Tensor skip = Column(boundary.Select(b => b.Skip), sample), output = Column(boundary.Select(b => b.Output), sample); // (B, 1, 1, 1)
        return (skip * sample + output * x0).MoveToOuterDisposeScope();
    }

    /// <summary>Ψ: from x_t one step of DDIM (arXiv 2010.02502 eq. (12), η = 0) with the teacher's guided prediction; without gradient, owned by the caller.</summary>
    /// <param name="sample">x_t, (B, C, H, W).</param>
    /// <param name="start">t, (B) int64.</param>
    /// <param name="end">The timestep to go to, (B) int64.</param>
    /// <param name="context">(B, L, D).</param>
    /// <param name="unconditional">(1 or B, L, D).</param>
    /// <param name="omega">ω, (B).</param>
    public Tensor SolverStep(Tensor sample, Tensor start, Tensor end, Tensor context, Tensor unconditional, Tensor omega)
    {
        using IDisposable noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor[] halves = Teacher(cat([sample, sample]), cat([start, start]), cat([unconditional.expand_as(context), context])).chunk(2);
        Tensor guided = halves[1] + omega.view(-1, 1, 1, 1) * (halves[1] - halves[0]);          // LCM eq. (10)
        Tensor x0 = Schedule.PredictOriginalSample(guided, sample, start);
        // The noise in x_t beside that picture, whatever the network predicts: x_t = α x₀ + σ ε.
        Tensor epsilon = config.PredictionType == PredictionType.Epsilon ? guided : Schedule.NoiseBeside(x0, sample, start);
        return Schedule.AddNoise(x0, epsilon, end).MoveToOuterDisposeScope();
    }

    private Tensor Teacher(Tensor sample, Tensor timesteps, Tensor context)
    {
        bool enabled = adapter.Enabled;
        adapter.Enabled = false;
        try
        {
            return unet.call(sample, timesteps, context);
        }
        finally
        {
            adapter.Enabled = enabled;
        }
    }

    private static Tensor Column(IEnumerable<double> values, Tensor like) => tensor(values.ToArray()).to(like.dtype, like.device).view(-1, 1, 1, 1);
}

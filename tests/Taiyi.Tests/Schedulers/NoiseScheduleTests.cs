using Taiyi.Schedulers;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Tests.Schedulers;

[NoTensorLeak]
public class NoiseScheduleTests
{
    private static readonly NoiseSchedule Schedule = new(new SchedulerConfig());

    [Theory]
    [InlineData(BetaSchedule.Linear, "linear")]
    [InlineData(BetaSchedule.ScaledLinear, "scaled_linear")]
    [InlineData(BetaSchedule.SquaredcosCapV2, "squaredcos_cap_v2")]
    public void Tables_equal_the_reference(BetaSchedule schedule, string name)
    {
        using var scope = NewDisposeScope();
        using SchedulerGolden golden = new();
        NoiseSchedule noise = new(new SchedulerConfig { BetaSchedule = schedule });
        Close.Assert(golden[$"betas.{name}"], tensor(noise.Betas), 1e-7);
        Close.Assert(golden[$"alphas_cumprod.{name}"], tensor(noise.AlphasCumprod), 1e-6);
    }

    [Theory]
    [InlineData("train")]
    [InlineData("ddim")]
    [InlineData("ddpm")]
    public void Training_noise_and_velocity_equal_the_reference(string name)
    {
        using var scope = NewDisposeScope();
        using SchedulerGolden golden = new();
        Tensor originalSamples = golden["add_noise.x0"], noise = golden["add_noise.noise"];
        Tensor timesteps = golden[name == "train" ? "train.timesteps" : $"{name}.add_noise.timesteps"];
        Close.Assert(golden[$"{name}.add_noise"], Schedule.AddNoise(originalSamples, noise, timesteps), 1e-5);
        Close.Assert(golden[$"{name}.velocity"], Schedule.GetVelocity(originalSamples, noise, timesteps), 1e-5);
    }

    [Fact]
    public void One_timestep_for_all_pictures_noises_as_one_for_each()
    {
        using var scope = NewDisposeScope();
        Tensor originalSamples = Seeded.Randn(1, 3, 4, 2, 2), noise = Seeded.Randn(2, 3, 4, 2, 2);
        Tensor each = Schedule.AddNoise(originalSamples, noise, tensor(new long[] { 500, 500, 500 }));
        Close.Assert(each, Schedule.AddNoise(originalSamples, noise, 500), 1e-6);
    }

    [Fact]
    public void Steps_of_noise_lead_to_the_mean_of_the_closed_form()
    {
        // The mean of q(x_t | x₀) is √ᾱ_t x₀ whether it is walked (eq. 2) or leapt (eq. 4).
        using var scope = NewDisposeScope();
        Tensor one = ones(1, dtype: float64), none = zeros(1, dtype: float64), x = one;
        for (int t = 0; t < 1000; t++)
        {
            x = Schedule.AddNoiseStep(x, none, t);
        }

        Close.Assert(Schedule.AddNoise(one, none, 999), x, 1e-12);
    }

    [Fact]
    public void Steps_of_noise_add_up_to_the_variance_of_the_closed_form()
    {
        // With x_{t-1} = 0 one step returns √β_t, so Var x_t = (1 - β_t) Var x_{t-1} + β_t; from Var x₀ = 0 it must be 1 - ᾱ_t.
        using var scope = NewDisposeScope();
        Tensor one = ones(1, dtype: float64), none = zeros(1, dtype: float64);
        double variance = 0;
        for (int t = 0; t < 1000; t++)
        {
            double kept = Schedule.AddNoiseStep(one, none, t).ToDouble(), added = Schedule.AddNoiseStep(none, one, t).ToDouble();
            variance = kept * kept * variance + added * added;
        }

        Assert.Equal(1 - Schedule.AlphasCumprod[999], variance, 1e-12);
    }

    [Fact]
    public void The_posterior_equals_arithmetic_by_hand()
    {
        // Two steps of β = 1/2: ᾱ = 1/2, 1/4. At t = 1 eq. (7) gives β̃ = (1/2)/(3/4) · 1/2 = 1/3 and
        // μ̃ = √(1/2)·(1/2)/(3/4) x₀ + √(1/2)·(1/2)/(3/4) x_1 = √2/3 (x₀ + x_1).
        using var scope = NewDisposeScope();
        NoiseSchedule halves = new(new SchedulerConfig { NumTrainTimesteps = 2, BetaSchedule = BetaSchedule.Linear, BetaStart = 0.5, BetaEnd = 0.5 });
        Assert.Equal([0.5, 0.25], halves.AlphasCumprod);
        Assert.Equal(1.0 / 3, halves.PosteriorVariance(1), 1e-15);
        Assert.Equal(Math.Sqrt(2) / 3 * 9, halves.PosteriorMean(tensor(3.0), tensor(6.0), 1).ToDouble(), 1e-12);

        // From t = 0 the only step is to x₀ itself, and nothing is random about it.
        Assert.Equal(0, halves.PosteriorVariance(0), 1e-15);
        Assert.Equal(3.0, halves.PosteriorMean(tensor(3.0), tensor(6.0), 0).ToDouble(), 1e-12);

        // SNR 1 and 1/3, so σ is 1 and √3, and half-way between.
        Assert.Equal(1.0, halves.Snr(0), 1e-15);
        Assert.Equal(1.0 / 3, halves.Snr(1), 1e-15);
        Assert.Equal((1 + Math.Sqrt(3)) / 2, halves.Sigma(0.5), 1e-15);
    }

    [Fact]
    public void Precisions_of_the_posterior_add_up()
    {
        // Bayes' rule for Gaussians, the step that leads to eq. (7): 1/β̃_t = α_t/β_t + 1/(1-ᾱ_{t-1}).
        for (int t = 1; t < 1000; t++)
        {
            double precision = Schedule.Alphas[t] / Schedule.Betas[t] + 1 / (1 - Schedule.AlphasCumprod[t - 1]);
            Assert.Equal(1, Schedule.PosteriorVariance(t) * precision, 1e-9);
        }
    }

    [Fact]
    public void The_posterior_over_a_leap_of_many_steps_keeps_the_closed_form()
    {
        // x₀ = 1 without noise is √ᾱ_t at t, and its posterior mean at any earlier s must be √ᾱ_s.
        using var scope = NewDisposeScope();
        foreach (int s in new[] { 0, 100, 480 })
        {
            Tensor mean = Schedule.PosteriorMean(tensor(1.0), tensor(Math.Sqrt(Schedule.AlphasCumprod[500])), 500, s);
            Assert.Equal(Math.Sqrt(Schedule.AlphasCumprod[s]), mean.ToDouble(), 1e-12);
        }
    }

    [Theory]
    [InlineData(PredictionType.Epsilon)]
    [InlineData(PredictionType.VPrediction)]
    [InlineData(PredictionType.Sample)]
    public void The_true_prediction_gives_the_picture_back(PredictionType type)
    {
        using var scope = NewDisposeScope();
        NoiseSchedule schedule = new(new SchedulerConfig { PredictionType = type });
        Tensor originalSamples = Seeded.Randn(1, 2, 4, 3, 3).to(float64), noise = Seeded.Randn(2, 2, 4, 3, 3).to(float64), timesteps = tensor(new long[] { 700, 700 });
        Tensor truth = type switch
        {
            PredictionType.Epsilon => noise,
            PredictionType.VPrediction => schedule.GetVelocity(originalSamples, noise, timesteps),
            _ => originalSamples,
        };
        Tensor guess = schedule.PredictOriginalSample(truth, schedule.AddNoise(originalSamples, noise, timesteps), 700);
        Close.Assert(originalSamples, guess, 1e-12);
    }

    [Fact]
    public void Misfits_are_named()
    {
        using var scope = NewDisposeScope();
        Tensor two = zeros(2, 4, 2, 2), three = zeros(3, 4, 2, 2);
        Assert.Contains("2 pictures need [2]", Assert.Throws<ArgumentException>(() => Schedule.AddNoise(two, two, tensor(new long[] { 5 }))).Message);
        Assert.Contains("[3, 4, 2, 2]", Assert.Throws<ArgumentException>(() => Schedule.AddNoise(two, three, tensor(new long[] { 5, 6 }))).Message);
        Assert.Contains("0 … 999", Assert.Throws<ArgumentOutOfRangeException>(() => Schedule.AddNoise(two, two, tensor(new long[] { 5, 1000 }))).Message);
        Assert.Contains("-1 … 4", Assert.Throws<ArgumentOutOfRangeException>(() => Schedule.PosteriorVariance(5, 5)).Message);
    }

    [Fact]
    public void Training_samples_keep_their_dtype()
    {
        using var scope = NewDisposeScope();
        Tensor low = ones([1, 1, 2, 2], bfloat16);
        Assert.Equal(ScalarType.BFloat16, Schedule.AddNoise(low, low, tensor(new long[] { 5 })).dtype);
        Assert.Equal(ScalarType.BFloat16, Schedule.AddNoise(low, low, 5).dtype);
    }
}

using System.Text.Json;
using CsCheck;
using Taiyi.Schedulers;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Tests.Schedulers;

[NoTensorLeak]
public class SchedulerTests
{
    public static TheoryData<string> Names => [.. Scheduler.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_true_prediction_at_any_noise_level_gives_the_picture_back(string name)
    {
        var runs = Gen.Select(Gen.Int[2, 60], Gen.Double[0.5, 1], Gen.Enum<PredictionType>(), Gen.Enum<TimestepSpacing>());
        runs.Sample((steps, strength, type, spacing) =>
        {
            using var scope = NewDisposeScope();
            using IScheduler scheduler = Scheduler.Create(name, new SchedulerConfig { PredictionType = type, TimestepSpacing = spacing });
            scheduler.SetTimesteps(steps, strength);
            double t = scheduler.Timesteps[0];
            Tensor originalSamples = randn(2, 4, 2, 2), noise = randn(2, 4, 2, 2);
            Tensor sample = scheduler.AddNoise(originalSamples, noise, t);
            Tensor truth = type == PredictionType.Epsilon ? noise : Velocity(scheduler, originalSamples, noise, t);

            Tensor guess = scheduler.Step(truth, t, sample).PredOriginalSample;
            Close.Assert(originalSamples, guess, 1e-3); // ε is divided by √ᾱ, 0.07 at the end
        }, iter: 30, threads: 1);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_network_that_knows_the_picture_is_followed_to_it(string name)
    {
        Gen.Int[2, 40].Sample(steps =>
        {
            using var scope = NewDisposeScope();
            using IScheduler scheduler = Scheduler.Create(name, new SchedulerConfig { SetAlphaToOne = true });
            scheduler.SetTimesteps(steps);
            Tensor picture = randn(1, 4, 2, 2), sample = randn(1, 4, 2, 2) * scheduler.InitNoiseSigma;
            foreach (double t in scheduler.Timesteps)
            {
                (double signal, double sigma) = Rates(scheduler, t);
                sample = scheduler.Step((sample - signal * picture) / sigma, t, sample).PrevSample;
            }

            Close.Assert(picture, sample, 1e-2);
        }, iter: 10, threads: 1);
    }

    [Theory]
    [InlineData("ddim")]
    [InlineData("ddpm")]
    [InlineData("euler_a")]
    public void A_picture_of_a_batch_equals_its_seed_alone(string name)
    {
        using var scope = NewDisposeScope();
        Tensor batch = Run([11, 12, 13]);
        Assert.False(allclose(batch[0], batch[1], rtol: 0, atol: 0.1), "different seeds gave one picture");
        for (int i = 0; i < 3; i++)
        {
            Close.Assert(Run([11 + (ulong)i])[0], batch[i], 1e-6);
        }

        Tensor Run(ulong[] seeds)
        {
            Generator[] generators = [.. seeds.Select(seed => new Generator(seed))];
            using IScheduler scheduler = name == "ddim" ? new DDIMScheduler(new SchedulerConfig(), eta: 1) : Scheduler.Create(name, new SchedulerConfig());
            scheduler.SetTimesteps(5);
            Tensor sample = ones(seeds.Length, 4, 2, 2) * scheduler.InitNoiseSigma;
            foreach (double t in scheduler.Timesteps)
            {
                sample = scheduler.Step(0.5 * scheduler.ScaleModelInput(sample, t), t, sample, generators).PrevSample;
            }

            Array.ForEach(generators, generator => generator.Dispose());
            return sample;
        }
    }

    [Fact]
    public void Timesteps_from_the_noisy_end_are_those_of_the_paper()
    {
        // Table 2 of https://arxiv.org/abs/2305.08891 for T = 1000 and S = 10, which counts from 1.
        using IScheduler scheduler = Scheduler.Create("ddim", new SchedulerConfig { TimestepSpacing = TimestepSpacing.Trailing });
        scheduler.SetTimesteps(10);
        Assert.Equal([1000, 900, 800, 700, 600, 500, 400, 300, 200, 100], scheduler.Timesteps.Select(t => t + 1));
    }

    [Theory]
    [InlineData("img2img_pndm", "pndm")]
    [InlineData("img2img_ddim", "ddim")]
    public void A_strength_cuts_the_timesteps_as_the_reference_does(string run, string name)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Repository.Golden("pipeline.json")));
        JsonElement expected = json.RootElement.GetProperty("runs").GetProperty(run);
        using IScheduler scheduler = Scheduler.Create(name, new SchedulerConfig());
        scheduler.SetTimesteps(expected.GetProperty("steps").GetInt32(), expected.GetProperty("strength").GetDouble());
        Assert.Equal(expected.GetProperty("timesteps").EnumerateArray().Select(t => t.GetDouble()), scheduler.Timesteps);
    }

    [Fact]
    public void The_second_step_of_a_cut_pndm_run_takes_the_first_again_with_the_mean_of_both_predictions()
    {
        using var scope = NewDisposeScope();
        Tensor sample = randn(1, 4, 2, 2), first = randn(1, 4, 2, 2), second = randn(1, 4, 2, 2);
        using IScheduler pndm = Scheduler.Create("pndm", new SchedulerConfig()), ddim = Scheduler.Create("ddim", new SchedulerConfig());
        pndm.SetTimesteps(10, 0.6);  // 601, 501, 401, …
        ddim.SetTimesteps(10, 0.7);  // 601, 501, …
        Tensor trial = pndm.Step(first, 601, sample).PrevSample;
        Tensor taken = pndm.Step(second, 501, trial).PrevSample;

        // PNDM's transfer and DDIM's step are one formula in two forms.
        Close.Assert(ddim.Step((first + second) / 2, 601, sample).PrevSample, taken, 1e-5);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Low_precision_samples_keep_their_dtype_and_are_computed_in_float32(string name)
    {
        using var scope = NewDisposeScope();
        using IScheduler scheduler = Scheduler.Create(name, new SchedulerConfig());
        scheduler.SetTimesteps(4);
        double t = scheduler.Timesteps[0];
        Tensor sample = randn([1, 4, 2, 2], bfloat16), output = randn([1, 4, 2, 2], bfloat16), none = zeros(1, 4, 2, 2);
        SchedulerOutput low = scheduler.Step(output, t, sample, noise: none);
        scheduler.SetTimesteps(4);
        SchedulerOutput full = scheduler.Step(output.to(float32), t, sample.to(float32), noise: none);
        Assert.True(low.PrevSample.equal(full.PrevSample.to(bfloat16)).all().ToBoolean());
        Assert.True(low.PredOriginalSample.equal(full.PredOriginalSample.to(bfloat16)).all().ToBoolean());
    }

    [Theory]
    [InlineData("pndm")]
    [InlineData("dpmpp_2m")]
    public void A_new_run_forgets_what_the_last_one_kept(string name)
    {
        using var scope = NewDisposeScope();
        using IScheduler scheduler = Scheduler.Create(name, new SchedulerConfig());
        scheduler.SetTimesteps(4);
        double t = scheduler.Timesteps[0];
        Tensor output = randn(1, 4, 2, 2), sample = randn(1, 4, 2, 2);
        long before = Live();
        SchedulerOutput first = scheduler.Step(output, t, sample);
        Assert.True(Live() - before > 2, "a multistep method keeps a prediction");
        scheduler.SetTimesteps(4);
        Assert.Equal(before + 2, Live());
        Assert.True(scheduler.Step(output, t, sample).PrevSample.equal(first.PrevSample).all().ToBoolean());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Steps_out_of_order_say_what_to_do(string name)
    {
        using var scope = NewDisposeScope();
        Tensor zero = zeros(1, 4, 2, 2);
        using IScheduler scheduler = Scheduler.Create(name, new SchedulerConfig());
        Assert.Contains("SetTimesteps", Assert.Throws<InvalidOperationException>(() => scheduler.Step(zero, 1, zero)).Message);
        Assert.Contains("SetTimesteps", Assert.Throws<InvalidOperationException>(() => scheduler.ScaleModelInput(zero, 1)).Message);
        Assert.Contains("SetTimesteps", Assert.Throws<InvalidOperationException>(() => scheduler.AddNoise(zero, zero, 1)).Message);

        scheduler.SetTimesteps(3);
        double first = scheduler.Timesteps[0];
        Assert.Contains($"step 1 of {scheduler.Timesteps.Count} is at {first}", Assert.Throws<ArgumentException>(() => scheduler.Step(zero, 17, zero)).Message);
        Assert.Contains("17 is not in the list", Assert.Throws<ArgumentException>(() => scheduler.AddNoise(zero, zero, 17)).Message);
        foreach (double t in scheduler.Timesteps)
        {
            scheduler.Step(zero, t, zero);
        }

        Assert.Contains("steps of this run were taken", Assert.Throws<InvalidOperationException>(() => scheduler.Step(zero, first, zero)).Message);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Impossible_numbers_of_steps_are_refused_with_the_range(string name)
    {
        using IScheduler scheduler = Scheduler.Create(name, new SchedulerConfig());
        Assert.Contains("from 1 to 1000", Assert.Throws<ArgumentOutOfRangeException>(() => scheduler.SetTimesteps(0)).Message);
        Assert.Contains("from 1 to 1000", Assert.Throws<ArgumentOutOfRangeException>(() => scheduler.SetTimesteps(1001)).Message);
        Assert.Contains("at most 1", Assert.Throws<ArgumentOutOfRangeException>(() => scheduler.SetTimesteps(10, 1.5)).Message);
        Assert.Contains("at most 1", Assert.Throws<ArgumentOutOfRangeException>(() => scheduler.SetTimesteps(10, double.NaN)).Message);
        Assert.Contains("at least 0.1", Assert.Throws<ArgumentOutOfRangeException>(() => scheduler.SetTimesteps(10, 0.05)).Message);
    }

    [Theory]
    [InlineData("ddim", TimestepSpacing.Leading)]  // would begin at timestep 1000, off the table
    [InlineData("dpmpp_2m", TimestepSpacing.Leading)]
    [InlineData("dpmpp_2m", TimestepSpacing.Linspace)]
    public void A_spacing_without_room_for_the_steps_is_refused(string name, TimestepSpacing spacing)
    {
        using IScheduler scheduler = Scheduler.Create(name, new SchedulerConfig { TimestepSpacing = spacing });
        Assert.Contains($"{spacing} spacing", Assert.Throws<ArgumentOutOfRangeException>(() => scheduler.SetTimesteps(1000)).Message);
    }

    [Fact]
    public void Noise_that_does_not_fit_is_refused()
    {
        using var scope = NewDisposeScope();
        Tensor two = zeros(2, 4, 2, 2);
        using Generator one = new(1);
        using IScheduler scheduler = Scheduler.Create("ddpm", new SchedulerConfig());
        scheduler.SetTimesteps(3);
        double t = scheduler.Timesteps[0];
        Assert.Contains("1 generators were given for 2 pictures", Assert.Throws<ArgumentException>(() => scheduler.Step(two, t, two, [one])).Message);
        Assert.Contains("[1, 4, 2, 2]", Assert.Throws<ArgumentException>(() => scheduler.Step(two, t, two, noise: zeros(1, 4, 2, 2))).Message);
    }

    [Fact]
    public void An_unknown_name_is_answered_with_the_known_ones()
    {
        string message = Assert.Throws<ArgumentException>(() => Scheduler.Create("heun", new SchedulerConfig())).Message;
        Assert.Contains("'heun'", message);
        Assert.Contains("pndm, ddim, ddpm, euler, euler_a, dpmpp_2m, dpmpp_2m_karras", message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new DDIMScheduler(new SchedulerConfig(), eta: 2));
    }

    private static long Live() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

    // How much picture and how much noise a sample at t holds, read off AddNoise itself.
    private static (double Signal, double Sigma) Rates(IScheduler scheduler, double t)
    {
        using var scope = NewDisposeScope();
        Tensor one = ones(1, dtype: float64), none = zeros(1, dtype: float64);
        return (scheduler.AddNoise(one, none, t).ToDouble(), scheduler.AddNoise(none, one, t).ToDouble());
    }

    // v = α ε - σ x₀ with α² + σ² = 1, whatever the sampler's own scale.
    private static Tensor Velocity(IScheduler scheduler, Tensor originalSamples, Tensor noise, double t)
    {
        (double signal, double sigma) = Rates(scheduler, t);
        double scale = Math.Sqrt(signal * signal + sigma * sigma);
        return signal / scale * noise - sigma / scale * originalSamples;
    }
}

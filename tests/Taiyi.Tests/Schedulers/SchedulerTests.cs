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
        var runs = Gen.Select(Gen.Int[2, 50], Gen.Double[0.5, 1], Gen.Enum<PredictionType>(), Gen.Enum<TimestepSpacing>());
        runs.Sample((steps, strength, type, spacing) =>
        {
            using var scope = NewDisposeScope();
            using SchedulerRun run = Scheduler.Create(name, new SchedulerConfig { PredictionType = type, TimestepSpacing = spacing }).Begin(steps, strength);
            Tensor originalSamples = Seeded.Randn(1, 2, 4, 2, 2), noise = Seeded.Randn(2, 2, 4, 2, 2);
            Tensor sample = run.AddNoise(originalSamples, noise);
            Tensor truth = type switch
            {
                PredictionType.Epsilon => noise,
                PredictionType.VPrediction => Velocity(run, originalSamples, noise),
                _ => originalSamples,
            };

            Tensor guess = run.Step(truth, sample).PredOriginalSample;
            Close.Assert(originalSamples, guess, name == "lcm" ? 1e-2 : 1e-3); // ε is divided by √ᾱ, 0.07 at the end; LCM mixes in 1/(10 t)² of the sample
        }, iter: 30, threads: 1);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_network_that_knows_the_picture_is_followed_to_it(string name)
    {
        Gen.Int[2, 40].Sample(steps =>
        {
            using var scope = NewDisposeScope();
            using SchedulerRun run = Scheduler.Create(name, new SchedulerConfig { SetAlphaToOne = true }).Begin(steps);
            Tensor picture = Seeded.Randn(1, 1, 4, 2, 2), sample = Seeded.Randn(2, 1, 4, 2, 2) * run.InitNoiseSigma;
            for (int i = 0; i < run.Timesteps.Count; i++)
            {
                (double signal, double sigma) = Rates(run, i);
                sample = run.Step((sample - signal * picture) / sigma, sample).PrevSample;
            }

            // DEIS and TCD end at the least noise that was trained, 0.03, not at none.
            Close.Assert(picture, sample, name is "deis" or "tcd" ? 0.2 : 1e-2);
        }, iter: 10, threads: 1);
    }

    [Theory]
    [InlineData("ddim")]
    [InlineData("ddpm")]
    [InlineData("euler_a")]
    [InlineData("dpm2_a")]
    [InlineData("dpmpp_2m_sde")]
    [InlineData("dpmpp_2s_sde")]
    [InlineData("lcm")]
    [InlineData("tcd")]
    public void A_picture_of_a_batch_equals_its_seed_alone(string name)
    {
        using var scope = NewDisposeScope();
        Tensor batch = Run([11, 12, 13]);
        Close.AssertApart(batch[0], batch[1], 0.1); // different seeds
        for (int i = 0; i < 3; i++)
        {
            Close.Assert(Run([11 + (ulong)i])[0], batch[i], 1e-6);
        }

        Tensor Run(ulong[] seeds)
        {
            Generator[] generators = [.. seeds.Select(seed => new Generator(seed))];
            using SchedulerRun run = Scheduler.Create(name, new SchedulerConfig { Eta = 1 }).Begin(5);
            Tensor sample = ones(seeds.Length, 4, 2, 2) * run.InitNoiseSigma;
            foreach (double t in run.Timesteps)
            {
                sample = run.Step(0.5 * run.ScaleModelInput(sample), sample, generators).PrevSample;
            }

            Array.ForEach(generators, generator => generator.Dispose());
            return sample;
        }
    }

    [Fact]
    public void Timesteps_from_the_noisy_end_are_those_of_the_paper()
    {
        // Table 2 of https://arxiv.org/abs/2305.08891 for T = 1000 and S = 10, which counts from 1.
        using SchedulerRun run = Scheduler.Create("ddim", new SchedulerConfig { TimestepSpacing = TimestepSpacing.Trailing }).Begin(10);
        Assert.Equal([1000, 900, 800, 700, 600, 500, 400, 300, 200, 100], run.Timesteps.Select(t => t + 1));
    }

    [Theory]
    [InlineData("img2img_pndm", "pndm")]
    [InlineData("img2img_ddim", "ddim")]
    public void A_strength_cuts_the_timesteps_as_the_reference_does(string run, string name)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Repository.Golden("pipeline.json")));
        JsonElement expected = json.RootElement.GetProperty("runs").GetProperty(run);
        Scheduler scheduler = Scheduler.Create(name, new SchedulerConfig());
        using SchedulerRun cut = scheduler.Begin(expected.GetProperty("steps").GetInt32(), expected.GetProperty("strength").GetDouble());
        Assert.Equal(expected.GetProperty("timesteps").EnumerateArray().Select(t => t.GetDouble()), cut.Timesteps);
    }

    [Fact]
    public void The_second_step_of_a_cut_pndm_run_takes_the_first_again_with_the_mean_of_both_predictions()
    {
        using var scope = NewDisposeScope();
        Tensor sample = Seeded.Randn(1, 1, 4, 2, 2), first = Seeded.Randn(2, 1, 4, 2, 2), second = Seeded.Randn(3, 1, 4, 2, 2);
        using SchedulerRun pndm = Scheduler.Create("pndm", new SchedulerConfig()).Begin(10, 0.6), ddim = Scheduler.Create("ddim", new SchedulerConfig()).Begin(10, 0.7);
        Assert.Equal([601, 501], pndm.Timesteps.Take(2));
        Assert.Equal(601, ddim.Timesteps[0]);
        Tensor trial = pndm.Step(first, sample).PrevSample;
        Tensor taken = pndm.Step(second, trial).PrevSample;

        // PNDM's transfer and DDIM's step are one formula in two forms.
        Close.Assert(ddim.Step((first + second) / 2, sample).PrevSample, taken, 1e-5);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Low_precision_samples_keep_their_dtype_and_are_computed_in_float32(string name)
    {
        using var scope = NewDisposeScope();
        Scheduler scheduler = Scheduler.Create(name, new SchedulerConfig());
        using SchedulerRun lowRun = scheduler.Begin(4), fullRun = scheduler.Begin(4); // one sampler, two runs
        Tensor sample = Seeded.Randn(1, 1, 4, 2, 2).to(bfloat16), output = Seeded.Randn(2, 1, 4, 2, 2).to(bfloat16), none = zeros(1, 4, 2, 2);
        SchedulerOutput low = lowRun.Step(output, sample, noise: none);
        SchedulerOutput full = fullRun.Step(output.to(float32), sample.to(float32), noise: none);
        Assert.True(low.PrevSample.equal(full.PrevSample.to(bfloat16)).all().ToBoolean());
        Assert.True(low.PredOriginalSample.equal(full.PredOriginalSample.to(bfloat16)).all().ToBoolean());
    }

    [Theory]
    [InlineData("pndm")]
    [InlineData("dpmpp_2m")]
    [InlineData("unipc")]
    [InlineData("heun")]
    public void A_run_frees_what_it_keeps_at_its_end_and_when_it_is_left(string name)
    {
        using var scope = NewDisposeScope();
        Scheduler scheduler = Scheduler.Create(name, new SchedulerConfig());
        SchedulerRun run = scheduler.Begin(4);
        Tensor output = Seeded.Randn(1, 1, 4, 2, 2), sample = Seeded.Randn(2, 1, 4, 2, 2);
        long before = Live();
        SchedulerOutput first = run.Step(output, sample);
        Assert.True(Live() - before > 2, "a multistep method keeps a prediction");
        run.Dispose();
        Assert.Equal(before + 2, Live());

        // Another run of the same sampler knows nothing of the first, and is empty at its end without any call.
        SchedulerRun whole = scheduler.Begin(4);
        SchedulerOutput again = whole.Step(output, sample);
        Assert.True(again.PrevSample.equal(first.PrevSample).all().ToBoolean());
        before = Live();
        List<SchedulerOutput> outputs = [.. whole.Timesteps.Skip(1).Select(_ => whole.Step(output, sample))];
        Assert.True(Live() - before < 2 * outputs.Count, "the predictions that were kept are still there");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Runs_of_one_sampler_do_not_disturb_each_other(string name)
    {
        using var scope = NewDisposeScope();
        Scheduler scheduler = Scheduler.Create(name, new SchedulerConfig());
        using SchedulerRun alone = scheduler.Begin(4), first = scheduler.Begin(4), second = scheduler.Begin(7);
        Tensor start = Seeded.Randn(1, 1, 4, 2, 2), other = Seeded.Randn(2, 1, 4, 2, 2), none = zeros(1, 4, 2, 2), expected = start, actual = start;
        foreach (double t in alone.Timesteps)
        {
            expected = alone.Step(SchedulerGolden.DummyModel(expected, t), expected, noise: none).PrevSample;
        }

        foreach (double t in first.Timesteps)
        {
            actual = first.Step(SchedulerGolden.DummyModel(actual, t), actual, noise: none).PrevSample;
            other = second.Step(SchedulerGolden.DummyModel(other, t), other, noise: none).PrevSample;
        }

        Assert.True(actual.equal(expected).all().ToBoolean());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_step_behind_the_last_says_what_to_do(string name)
    {
        using var scope = NewDisposeScope();
        Tensor zero = zeros(1, 4, 2, 2);
        using SchedulerRun run = Scheduler.Create(name, new SchedulerConfig()).Begin(3);
        Assert.Contains($"calls 0 … {run.Timesteps.Count - 1}", Assert.Throws<ArgumentOutOfRangeException>(() => run.AddNoise(zero, zero, 17)).Message);
        foreach (double t in run.Timesteps)
        {
            run.Step(zero, zero);
        }

        Assert.Contains("Begin(steps)", Assert.Throws<InvalidOperationException>(() => run.Step(zero, zero)).Message);
        Assert.Contains($"All {run.Timesteps.Count} calls", Assert.Throws<InvalidOperationException>(() => run.ScaleModelInput(zero)).Message);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Impossible_numbers_of_steps_are_refused_with_the_range(string name)
    {
        Scheduler scheduler = Scheduler.Create(name, new SchedulerConfig());
        Assert.Contains("from 1 to 1000", Assert.Throws<ArgumentOutOfRangeException>(() => scheduler.Begin(0)).Message);
        Assert.Contains("from 1 to 1000", Assert.Throws<ArgumentOutOfRangeException>(() => scheduler.Begin(1001)).Message);
        Assert.Contains("at most 1", Assert.Throws<ArgumentOutOfRangeException>(() => scheduler.Begin(10, 1.5)).Message);
        Assert.Contains("at most 1", Assert.Throws<ArgumentOutOfRangeException>(() => scheduler.Begin(10, double.NaN)).Message);
        Assert.Contains("at least 0.1", Assert.Throws<ArgumentOutOfRangeException>(() => scheduler.Begin(10, 0.05)).Message);
    }

    [Theory]
    [InlineData("ddim", TimestepSpacing.Leading)]  // would begin at timestep 1000, off the table
    [InlineData("dpmpp_2m", TimestepSpacing.Leading)]
    [InlineData("dpmpp_2m", TimestepSpacing.Linspace)]
    public void A_spacing_without_room_for_the_steps_is_refused(string name, TimestepSpacing spacing)
    {
        Scheduler scheduler = Scheduler.Create(name, new SchedulerConfig { TimestepSpacing = spacing });
        Assert.Contains($"{spacing} spacing", Assert.Throws<ArgumentOutOfRangeException>(() => scheduler.Begin(1000)).Message);
    }

    [Fact]
    public void Noise_that_does_not_fit_is_refused()
    {
        using var scope = NewDisposeScope();
        Tensor two = zeros(2, 4, 2, 2);
        using Generator one = new(1);
        using SchedulerRun run = Scheduler.Create("ddpm", new SchedulerConfig()).Begin(3);
        Assert.Contains("1 generators were given for 2 pictures", Assert.Throws<ArgumentException>(() => run.Step(two, two, [one])).Message);
        Assert.Contains("[1, 4, 2, 2]", Assert.Throws<ArgumentException>(() => run.Step(two, two, noise: zeros(1, 4, 2, 2))).Message);
    }

    [Fact]
    public void An_unknown_name_is_answered_with_the_known_ones()
    {
        string message = Assert.Throws<ArgumentException>(() => Scheduler.Create("dpmpp_sde", new SchedulerConfig())).Message;
        Assert.Contains("'dpmpp_sde'", message);
        Assert.Contains("pndm, ddim, ddpm, euler, euler_a, heun, lms, dpm2, dpm2_a, dpmpp_2m, dpmpp_2m_karras", message);
        Assert.Contains("write pndm without _karras", Assert.Throws<ArgumentException>(() => Scheduler.Create("pndm_karras", new SchedulerConfig())).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new DDIMScheduler(new SchedulerConfig { Eta = 2 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LMSDiscreteScheduler(new SchedulerConfig(), order: 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DPMSolverMultistepScheduler(new SchedulerConfig { SolverOrder = 4 }));
    }

    private static long Live() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

    // How much picture and how much noise a sample at a call holds, read off AddNoise itself.
    private static (double Signal, double Sigma) Rates(SchedulerRun run, int call = 0)
    {
        using var scope = NewDisposeScope();
        Tensor one = ones(1, dtype: float64), none = zeros(1, dtype: float64);
        return (run.AddNoise(one, none, call).ToDouble(), run.AddNoise(none, one, call).ToDouble());
    }

    // v = α ε - σ x₀ with α² + σ² = 1, whatever the sampler's own scale.
    private static Tensor Velocity(SchedulerRun run, Tensor originalSamples, Tensor noise)
    {
        (double signal, double sigma) = Rates(run);
        double scale = Math.Sqrt(signal * signal + sigma * sigma);
        return signal / scale * noise - sigma / scale * originalSamples;
    }
}

using System.Text.Json;
using Taiyi.Schedulers;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Tests.Schedulers;

/// <summary>All cases of samplers.json, each made from a <c>scheduler_config.json</c> alone.</summary>
[NoTensorLeak]
public class SamplerGoldenTests
{
    public static TheoryData<string> Cases => SamplerGolden.Cases;

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_sample_of_a_whole_loop_equals_the_reference(string name)
    {
        using var scope = NewDisposeScope();
        using SamplerGolden golden = new();
        using SchedulerRun run = SamplerGolden.Begin(name);
        JsonElement expected = SamplerGolden.Case(name);
        Tensor trace = golden[$"{name}.trace"], inputs = golden[$"{name}.model_inputs"];      // (calls + 1, 1, 4, 4, 4), (calls, 1, 4, 4, 4)
        Tensor? noises = golden.Has($"{name}.noise") ? golden[$"{name}.noise"] : null;
        Assert.Equal(expected.GetProperty("model_calls").GetInt32(), run.Timesteps.Count);
        AssertRelative(expected.GetProperty("init_noise_sigma").GetDouble(), run.InitNoiseSigma);

        bool zeroSnr = run.InitNoiseSigma > 1000;
        Tensor sample = trace[0];
        for (int i = 0; i < run.Timesteps.Count; i++)
        {
            double t = run.Timesteps[i];
            Tensor input = run.ScaleModelInput(sample);
            Close.Assert(inputs[i], input, Tolerance(inputs[i], zeroSnr));
            Tensor output = SchedulerGolden.DummyModel(input, t);
            sample = run.Step(output, sample, noise: noises is not null && NoiseIndex(noises, i, run) is { } n ? noises[n] : zeros_like(sample)).PrevSample;
            Close.Assert(trace[i + 1], sample, Tolerance(trace[i], zeroSnr));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Timesteps_equal_the_reference(string name)
    {
        using var scope = NewDisposeScope();
        using SamplerGolden golden = new();
        using SchedulerRun run = SamplerGolden.Begin(name);
        double[] expected = [.. golden[$"{name}.timesteps"].to(float64).data<double>()];
        Assert.Equal(expected.Length, run.Timesteps.Count);
        for (int i = 0; i < expected.Length; i++)
        {
            // Whole ones are equal; the reference finds fractions by logarithms in float32.
            Assert.Equal(expected[i], run.Timesteps[i], double.IsInteger(expected[i]) && double.IsInteger(run.Timesteps[i]) ? 0 : 2e-3);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Noise_levels_equal_the_reference(string name)
    {
        using var scope = NewDisposeScope();
        using SamplerGolden golden = new();
        if (!golden.Has($"{name}.sigmas"))
        {
            Assert.Contains(SamplerGolden.Create(name).GetType().Name, (string[])["DDIMScheduler", "LCMScheduler", "TCDScheduler"]);
            return;
        }

        // DPM2's list in the reference holds the ends of the steps alone, each twice, and zero three times.
        bool ends = name.StartsWith("dpm2", StringComparison.Ordinal);
        using SchedulerRun run = SamplerGolden.Begin(name);
        double[] expected = [.. golden[$"{name}.sigmas"].to(float64).data<double>()];
        double[] actual = ends ? [.. run.Sigmas.Where((_, i) => i % 2 == 0), 0] : [.. run.Sigmas];
        expected = ends ? [.. expected.SkipLast(1).Where((_, i) => i == 0 || i % 2 == 1)] : expected;
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            AssertRelative(expected[i], actual[i]);
        }
    }

    [Fact]
    public void Zero_terminal_signal_equals_the_reference()
    {
        using var scope = NewDisposeScope();
        using SamplerGolden golden = new();
        NoiseSchedule schedule = new(new SchedulerConfig { RescaleBetasZeroSnr = true });
        Close.Assert(golden["zero_snr.alphas_cumprod"], tensor(schedule.AlphasCumprod), 1e-6);
        Close.Assert(golden["zero_snr.betas"][..^1], tensor(schedule.Betas)[..^1], 1e-3); // near the end differences of float32 are small over smaller ones
        Assert.Equal(0, schedule.AlphasCumprod[^1]);
    }

    // DPM2 draws at every second call, the others at every one; LCM and TCD not at the last.
    private static int? NoiseIndex(Tensor noises, int call, SchedulerRun run)
    {
        int index = noises.shape[0] == run.Timesteps.Count / 2 ? (call % 2 == 1 ? call / 2 : -1) : call;
        return index >= 0 && index < noises.shape[0] ? index : null;
    }

    // tests/Golden/README.md: 1e-5 for samples near 3, 1e-4 for those of 35; in general by the size of what the step began with.
    // From no signal at all Euler begins with 4096 times the noise, whose rounding, 5e-4, stays in the later samples.
    private static double Tolerance(Tensor sample, bool zeroSnr) => 4e-6 * Math.Max(zeroSnr ? 250 : 2.5, sample.abs().max().ToDouble());

    // The reference sums up ᾱ in float32.
    private static void AssertRelative(double expected, double actual) => Assert.Equal(expected, actual, 1e-5 * Math.Max(1, Math.Abs(expected)));
}

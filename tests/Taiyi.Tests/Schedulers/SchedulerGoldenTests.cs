using System.Text.Json;
using Taiyi.Schedulers;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Tests.Schedulers;

[NoTensorLeak]
public class SchedulerGoldenTests
{
    public static TheoryData<string> Cases => SchedulerGolden.Cases;

    // Samples of the Euler samplers start at 35, all others at 3: tests/Golden/README.md.
    private static double Tolerance(string name) => name.StartsWith("euler", StringComparison.Ordinal) ? 1e-4 : 1e-5;

    [Theory]
    [MemberData(nameof(Cases))]
    public void Timesteps_equal_the_reference_exactly(string name)
    {
        Scheduler scheduler = SchedulerGolden.Create(name);
        foreach (JsonProperty run in SchedulerGolden.Case(name).GetProperty("timesteps").EnumerateObject())
        {
            using SchedulerRun begun = scheduler.Begin(int.Parse(run.Name));
            Assert.Equal(run.Value.EnumerateArray().Select(t => t.GetDouble()), begun.Timesteps);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_first_noise_level_equals_the_reference(string name)
    {
        Scheduler scheduler = SchedulerGolden.Create(name);
        foreach (JsonProperty run in SchedulerGolden.Case(name).GetProperty("init_noise_sigma").EnumerateObject())
        {
            using SchedulerRun begun = scheduler.Begin(int.Parse(run.Name));
            Assert.Equal(run.Value.GetDouble(), begun.InitNoiseSigma, 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_sample_of_a_whole_loop_equals_the_reference(string name)
    {
        using var scope = NewDisposeScope();
        using SchedulerGolden golden = new();
        using SchedulerRun run = SchedulerGolden.Create(name).Begin(SchedulerGolden.LoopSteps);
        Tensor trace = golden[$"{name}.trace"];                                         // (steps + 1, 1, 4, 4, 4)
        Tensor? noises = golden.Has($"{name}.noise") ? golden[$"{name}.noise"] : null;  // (steps, 1, 4, 4, 4)
        Tensor? inputs = golden.Has($"{name}.model_inputs") ? golden[$"{name}.model_inputs"] : null;
        Assert.Equal(trace.shape[0], run.Timesteps.Count + 1);

        Tensor sample = trace[0];
        for (int i = 0; i < run.Timesteps.Count; i++)
        {
            double t = run.Timesteps[i];
            Tensor input = run.ScaleModelInput(sample);
            if (inputs is not null)
            {
                Close.Assert(inputs[i], input, Tolerance(name));
            }

            sample = run.Step(SchedulerGolden.DummyModel(input, t), sample, noise: i < noises?.shape[0] ? noises[i] : null).PrevSample;
            Close.Assert(trace[i + 1], sample, Tolerance(name));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_start_at_any_timestep_is_noised_as_in_the_reference(string name)
    {
        using var scope = NewDisposeScope();
        using SchedulerGolden golden = new();
        using SchedulerRun run = SchedulerGolden.Create(name).Begin(SchedulerGolden.LoopSteps);
        Tensor originalSamples = golden["add_noise.x0"], noise = golden["add_noise.noise"];
        Tensor timesteps = golden[$"{name}.add_noise.timesteps"].to(float64), expected = golden[$"{name}.add_noise"];
        for (int i = 0; i < 3; i++)
        {
            Tensor noisy = run.AddNoise(originalSamples[i], noise[i], IndexOf(run.Timesteps, timesteps[i].ToDouble()));
            Close.Assert(expected[i], noisy, Tolerance(name));
        }
    }

    [Theory]
    [InlineData("euler")]
    [InlineData("euler_leading")]
    [InlineData("euler_ancestral")]
    [InlineData("dpmpp_2m")]
    [InlineData("dpmpp_2m_leading")]
    [InlineData("dpmpp_2m_karras")]
    [InlineData("dpmpp_2m_v")]
    public void Noise_levels_equal_the_reference(string name)
    {
        using var scope = NewDisposeScope();
        using SchedulerGolden golden = new();
        using SchedulerRun run = SchedulerGolden.Create(name).Begin(SchedulerGolden.LoopSteps);
        Close.Assert(golden[$"{name}.sigmas"], tensor(run.Sigmas.ToArray()), 1e-5);
    }

    [Fact]
    public void The_first_preview_equals_the_reference()
    {
        using var scope = NewDisposeScope();
        using SchedulerGolden golden = new();
        using SchedulerRun run = SchedulerGolden.Create("ddim").Begin(SchedulerGolden.LoopSteps);
        double t = run.Timesteps[0];
        Tensor start = golden["ddim.trace"][0];
        Tensor preview = run.Step(SchedulerGolden.DummyModel(start, t), start).PredOriginalSample;
        Close.Assert(golden["ddim.first_pred_original_sample"], preview, 1e-5);
    }

    private static int IndexOf(IReadOnlyList<double> timesteps, double t) => timesteps.ToList().IndexOf(t);
}

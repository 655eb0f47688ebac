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
        using IScheduler scheduler = SchedulerGolden.Create(name);
        foreach (JsonProperty run in SchedulerGolden.Case(name).GetProperty("timesteps").EnumerateObject())
        {
            scheduler.SetTimesteps(int.Parse(run.Name));
            Assert.Equal(run.Value.EnumerateArray().Select(t => t.GetDouble()), scheduler.Timesteps);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_first_noise_level_equals_the_reference(string name)
    {
        using IScheduler scheduler = SchedulerGolden.Create(name);
        foreach (JsonProperty run in SchedulerGolden.Case(name).GetProperty("init_noise_sigma").EnumerateObject())
        {
            scheduler.SetTimesteps(int.Parse(run.Name));
            Assert.Equal(run.Value.GetDouble(), scheduler.InitNoiseSigma, 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_sample_of_a_whole_loop_equals_the_reference(string name)
    {
        using var scope = NewDisposeScope();
        using SchedulerGolden golden = new();
        using IScheduler scheduler = SchedulerGolden.Create(name);
        scheduler.SetTimesteps(SchedulerGolden.LoopSteps);
        Tensor trace = golden[$"{name}.trace"];                                         // (steps + 1, 1, 4, 4, 4)
        Tensor? noises = golden.Has($"{name}.noise") ? golden[$"{name}.noise"] : null;  // (steps, 1, 4, 4, 4)
        Tensor? inputs = golden.Has($"{name}.model_inputs") ? golden[$"{name}.model_inputs"] : null;
        Assert.Equal(trace.shape[0], scheduler.Timesteps.Count + 1);

        Tensor sample = trace[0];
        for (int i = 0; i < scheduler.Timesteps.Count; i++)
        {
            double t = scheduler.Timesteps[i];
            Tensor input = scheduler.ScaleModelInput(sample, t);
            if (inputs is not null)
            {
                Close.Assert(inputs[i], input, Tolerance(name));
            }

            sample = scheduler.Step(SchedulerGolden.DummyModel(input, t), t, sample, noise: noises?[i]).PrevSample;
            Close.Assert(trace[i + 1], sample, Tolerance(name));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_start_at_any_timestep_is_noised_as_in_the_reference(string name)
    {
        using var scope = NewDisposeScope();
        using SchedulerGolden golden = new();
        using IScheduler scheduler = SchedulerGolden.Create(name);
        scheduler.SetTimesteps(SchedulerGolden.LoopSteps);
        Tensor originalSamples = golden["add_noise.x0"], noise = golden["add_noise.noise"];
        Tensor timesteps = golden[$"{name}.add_noise.timesteps"].to(float64), expected = golden[$"{name}.add_noise"];
        for (int i = 0; i < 3; i++)
        {
            Tensor noisy = scheduler.AddNoise(originalSamples[i], noise[i], timesteps[i].ToDouble());
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
        using IScheduler scheduler = SchedulerGolden.Create(name);
        scheduler.SetTimesteps(SchedulerGolden.LoopSteps);
        IReadOnlyList<double> sigmas = scheduler switch
        {
            EulerDiscreteScheduler euler => euler.Sigmas,
            EulerAncestralDiscreteScheduler ancestral => ancestral.Sigmas,
            DPMSolverMultistepScheduler solver => solver.Sigmas,
            _ => throw new InvalidOperationException(name),
        };
        Close.Assert(golden[$"{name}.sigmas"], tensor(sigmas.ToArray()), 1e-5);
    }

    [Fact]
    public void The_first_preview_equals_the_reference()
    {
        using var scope = NewDisposeScope();
        using SchedulerGolden golden = new();
        using IScheduler scheduler = SchedulerGolden.Create("ddim");
        scheduler.SetTimesteps(SchedulerGolden.LoopSteps);
        double t = scheduler.Timesteps[0];
        Tensor start = golden["ddim.trace"][0];
        Tensor preview = scheduler.Step(SchedulerGolden.DummyModel(start, t), t, start).PredOriginalSample;
        Close.Assert(golden["ddim.first_pred_original_sample"], preview, 1e-5);
    }
}

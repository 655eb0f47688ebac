using System.Text.Json;
using Taiyi.Files;
using Taiyi.Schedulers;

namespace Taiyi.Tests.Schedulers;

public sealed class SchedulerConfigTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    private string File => Path.Combine(_folder.FullName, "scheduler_config.json");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void The_old_file_of_taiyi_gets_the_settings_that_the_reference_patches_in()
    {
        using JsonDocument json = JsonDocument.Parse(System.IO.File.ReadAllBytes(Repository.Golden("pipeline.json")));
        JsonElement patched = json.RootElement.GetProperty("scheduler_as_patched");
        var config = SchedulerConfig.FromFile(Repository.Golden("tiny-taiyi/scheduler/scheduler_config.json"));
        Assert.Equal(patched.GetProperty("num_train_timesteps").GetInt32(), config.NumTrainTimesteps);
        Assert.Equal(patched.GetProperty("beta_start").GetDouble(), config.BetaStart);
        Assert.Equal(patched.GetProperty("beta_end").GetDouble(), config.BetaEnd);
        Assert.Equal(patched.GetProperty("steps_offset").GetInt32(), config.StepsOffset);
        Assert.Equal(patched.GetProperty("set_alpha_to_one").GetBoolean(), config.SetAlphaToOne);
        Assert.Equal(BetaSchedule.ScaledLinear, config.BetaSchedule);
        Assert.Equal(PredictionType.Epsilon, config.PredictionType);
        Assert.Null(config.TimestepSpacing); // the file is silent: each sampler has its own
    }

    [Fact]
    public void Every_field_is_read()
    {
        Write("""
            {"_class_name": "DDIMScheduler", "num_train_timesteps": 500, "beta_start": 0.001, "beta_end": 0.02, "beta_schedule": "squaredcos_cap_v2",
             "prediction_type": "v_prediction", "rescale_betas_zero_snr": true, "timestep_spacing": "trailing", "steps_offset": 0, "set_alpha_to_one": true,
             "clip_sample": true, "clip_sample_range": 2.5, "thresholding": true, "dynamic_thresholding_ratio": 0.9, "sample_max_value": 3, "trained_betas": null}
            """);
        SchedulerConfig expected = new()
        {
            ClassName = "DDIMScheduler",
            NumTrainTimesteps = 500,
            BetaStart = 0.001,
            BetaEnd = 0.02,
            BetaSchedule = BetaSchedule.SquaredcosCapV2,
            PredictionType = PredictionType.VPrediction,
            RescaleBetasZeroSnr = true,
            TimestepSpacing = TimestepSpacing.Trailing,
            StepsOffset = 0,
            SetAlphaToOne = true,
            SkipPrkSteps = false,
            ClipSample = true,
            ClipSampleRange = 2.5,
            Thresholding = true,
            DynamicThresholdingRatio = 0.9,
            SampleMaxValue = 3,
        };
        Assert.Equal(expected, SchedulerConfig.FromFile(File));
    }

    [Fact]
    public void Every_field_of_a_solver_is_read()
    {
        // As Python writes it, whose infinity is no JSON.
        Write("""
            {"_class_name": "DPMSolverMultistepScheduler", "solver_order": 3, "algorithm_type": "sde-dpmsolver++", "solver_type": "heun", "lower_order_final": false,
             "euler_at_final": true, "use_lu_lambdas": true, "final_sigmas_type": "sigma_min", "lambda_min_clipped": -Infinity, "variance_type": null,
             "use_flow_sigmas": false, "flow_shift": 1.0, "sample_text": "-Infinity"}
            """);
        var config = SchedulerConfig.FromFile(File);
        Assert.Equal((3, AlgorithmType.SdeDpmSolverPlusPlus, SolverType.Heun), (config.SolverOrder, config.AlgorithmType, config.SolverType));
        Assert.Equal((false, true, SigmaSchedule.Lu), (config.LowerOrderFinal, config.EulerAtFinal, config.Sigmas));
        Assert.Equal((FinalSigmasType.SigmaMin, double.NegativeInfinity), (config.FinalSigmasType, config.LambdaMinClipped));
        Assert.Equal(["sample_text"], config.UnknownSettings);
        Assert.Null(config.Unsupported);
    }

    [Fact]
    public void The_file_names_its_own_sampler_and_another_takes_the_noise_schedule_alone()
    {
        Write("""
            {"_class_name": "UniPCMultistepScheduler", "beta_end": 0.011, "prediction_type": "v_prediction", "timestep_spacing": "leading", "steps_offset": 0,
             "solver_type": "bh1", "use_karras_sigmas": true}
            """);
        var file = SchedulerConfig.FromFile(File);
        UniPCMultistepScheduler own = Assert.IsType<UniPCMultistepScheduler>(Scheduler.FromConfig(file));
        Assert.Equal((SigmaSchedule.Karras, SolverType.Bh1), (own.Config.Sigmas, own.Config.SolverType));
        Assert.Equal(SigmaSchedule.Karras, Scheduler.Create("unipc", file).Config.Sigmas);

        SchedulerConfig other = Scheduler.Create("ddim", file).Config;
        Assert.Equal((0.011, PredictionType.VPrediction), (other.BetaEnd, other.PredictionType));
        Assert.Equal((null, 1, SigmaSchedule.Timesteps), (other.TimestepSpacing, other.StepsOffset, other.Sigmas));
    }

    [Theory]
    [InlineData("DPM++ 2M Karras", typeof(DPMSolverMultistepScheduler), SigmaSchedule.Karras)]
    [InlineData("Euler a", typeof(EulerAncestralDiscreteScheduler), SigmaSchedule.Timesteps)]
    [InlineData("DPM2 a Karras", typeof(KDPM2AncestralDiscreteScheduler), SigmaSchedule.Karras)]
    [InlineData("dpm_2_ancestral", typeof(KDPM2AncestralDiscreteScheduler), SigmaSchedule.Timesteps)]
    [InlineData("uni_pc_bh2", typeof(UniPCMultistepScheduler), SigmaSchedule.Timesteps)]
    [InlineData("PLMS", typeof(PNDMScheduler), SigmaSchedule.Timesteps)]
    [InlineData("heun_exponential", typeof(HeunDiscreteScheduler), SigmaSchedule.Exponential)]
    [InlineData("euler_ays", typeof(EulerDiscreteScheduler), SigmaSchedule.AlignYourSteps)]
    [InlineData("LMSDiscreteScheduler", typeof(LMSDiscreteScheduler), SigmaSchedule.Timesteps)]
    public void Names_of_other_programs_are_understood(string name, Type type, SigmaSchedule levels)
    {
        Scheduler scheduler = Scheduler.Create(name, new SchedulerConfig());
        Assert.IsType(type, scheduler);
        Assert.Equal(levels, scheduler.Config.Sigmas);
    }

    [Fact]
    public void A_spacing_in_the_file_holds_for_the_files_sampler_and_the_users_wins()
    {
        var file = SchedulerConfig.FromFile(Repository.PathTo("data/models/taiyi-mini/scheduler/scheduler_config.json"));
        Assert.Equal(TimestepSpacing.Leading, file.TimestepSpacing);
        Assert.Equal([801, 601, 601, 401, 201, 1], Timesteps(Scheduler.FromConfig(file)));
        Assert.Equal([999, 749.25, 499.5, 249.75, 0], Timesteps(Scheduler.Create("euler", file))); // its own, not PNDM's
        Assert.Equal([801, 601, 401, 201, 1], Timesteps(Scheduler.Create("euler", file.For("euler") with { TimestepSpacing = TimestepSpacing.Leading })));
        Assert.Equal([999, 799, 799, 599, 399, 199], Timesteps(Scheduler.Create("pndm", file with { TimestepSpacing = TimestepSpacing.Trailing })));

        static double[] Timesteps(Scheduler scheduler)
        {
            using SchedulerRun run = scheduler.Begin(5);
            return [.. run.Timesteps];
        }
    }

    [Theory]
    [InlineData("""{"trained_betas": [0.1, 0.2]}""", "'trained_betas' is [0.1, 0.2]", "null")]
    [InlineData("""{"trained_betas": [0.11111111, 0.22222222, 0.33333333, 0.44444444, 0.5555555, 0.6666666, 0.7777777]}""", "'trained_betas' is a list of 7 values", "1000 numbers")]
    [InlineData("""{"beta_schedule": "cubic"}""", "'beta_schedule' is \"cubic\"", "linear or scaled_linear or squaredcos_cap_v2")]
    [InlineData("""{"prediction_type": "flow_prediction"}""", "'prediction_type' is \"flow_prediction\"", "epsilon or v_prediction or sample")]
    [InlineData("""{"num_train_timesteps": 0}""", "'num_train_timesteps' is 0", "at least 1")]
    [InlineData("""{"beta_end": 1.5}""", "'beta_end' is 1.5", "between 0 and 1")]
    public void A_noise_schedule_that_no_sampler_honours_is_named_with_the_file_and_what_is_allowed(string json, string found, string allowed)
    {
        Write(json);
        string message = Assert.Throws<CheckpointException>(() => SchedulerConfig.FromFile(File)).Message;
        Assert.Contains(found, message);
        Assert.Contains(allowed, message);
        Assert.Contains(File, message);
        Assert.DoesNotContain('\n', message);
    }

    [Theory]
    [InlineData("DDPMScheduler", """ "variance_type": "learned" """, "'variance_type' is \"learned\"", "fixed_small")]
    [InlineData("PNDMScheduler", """ "timestep_spacing": 3 """, "'timestep_spacing' is 3", "leading or linspace or trailing")]
    [InlineData("PNDMScheduler", """ "steps_offset": 0.5 """, "'steps_offset' is 0.5", "the type that SchedulerConfig declares")]
    [InlineData("PNDMScheduler", """ "steps_offset": -1 """, "'steps_offset' is -1", "at least 0")]
    [InlineData("PNDMScheduler", """ "set_alpha_to_one": "no" """, "'set_alpha_to_one' is \"no\"", "the type that SchedulerConfig declares")]
    [InlineData("DPMSolverMultistepScheduler", """ "algorithm_type": "dpmsolver+++" """, "'algorithm_type' is \"dpmsolver+++\"", "sde-dpmsolver++")]
    [InlineData("DPMSolverMultistepScheduler", """ "solver_order": 4 """, "'solver_order' is 4", "1 to 3")]
    [InlineData("UniPCMultistepScheduler", """ "use_flow_sigmas": true """, "'use_flow_sigmas' is true", "false")]
    [InlineData("EulerDiscreteScheduler", """ "use_karras_sigmas": true, "use_beta_sigmas": true """, "'use_beta_sigmas' is true", "use_karras_sigmas")]
    [InlineData("FlowMatchEulerDiscreteScheduler", """ "shift": 3 """, "FlowMatchEulerDiscreteScheduler", "euler")]
    [InlineData("DPMSolverSDEScheduler", """ "shift": 3 """, "DPMSolverSDEScheduler", "dpmpp_2m_sde")]
    public void A_sampler_that_cannot_be_had_is_named_when_it_is_asked_for_and_another_can_be_had(string className, string setting, string found, string allowed)
    {
        Write($$"""{"_class_name": "{{className}}", "beta_end": 0.011, {{setting}}}""");
        var config = SchedulerConfig.FromFile(File);
        string message = Assert.Throws<CheckpointException>(() => Scheduler.FromConfig(config)).Message;
        Assert.Contains(found, message);
        Assert.Contains(allowed, message);
        Assert.Contains(File, message);
        Assert.Equal(0.011, Scheduler.Create(className == "EulerDiscreteScheduler" ? "ddim" : "euler", config).Config.BetaEnd);
    }

    [Fact]
    public void Trained_betas_are_the_noise_schedule()
    {
        Write($$"""{"num_train_timesteps": 3, "trained_betas": [0.5, 0.5, 0.75]}""");
        Assert.Equal([0.5, 0.25, 0.0625], Scheduler.FromConfig(SchedulerConfig.FromFile(File)).NoiseSchedule.AlphasCumprod);
    }

    [Fact]
    public void A_file_that_is_written_says_what_other_programs_look_for()
    {
        SchedulerConfig written = new() { ClassName = "PNDMScheduler", PredictionType = PredictionType.VPrediction, TimestepSpacing = TimestepSpacing.Leading };
        Write(SchedulerConfigFile.Pndm(written).ToJsonString());
        using JsonDocument json = JsonDocument.Parse(System.IO.File.ReadAllBytes(File));
        Assert.False(json.RootElement.GetProperty("clip_sample").GetBoolean()); // diffusers' DDIM cuts the latents where this is absent
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("trained_betas").ValueKind);
        Assert.Equal("v_prediction", json.RootElement.GetProperty("prediction_type").GetString());
        Assert.Equal(written, SchedulerConfig.FromFile(File));
    }

    [Fact]
    public void A_setting_that_is_another_samplers_changes_nothing()
    {
        Write("""{"_class_name": "DDIMScheduler", "solver_type": "bh2", "solver_order": 9, "variance_type": "learned", "use_karras_sigmas": true}""");
        var config = SchedulerConfig.FromFile(File);
        Assert.IsType<DDIMScheduler>(Scheduler.FromConfig(config));
        Assert.Equal((2, SigmaSchedule.Timesteps), (config.SolverOrder, config.Sigmas));
        Assert.Empty(config.UnknownSettings);
    }

    [Theory]
    [InlineData("{\"beta_start\": ")]
    [InlineData("[]")]
    public void A_broken_file_gets_one_sentence(string json)
    {
        Write(json);
        Assert.Contains(File, Assert.Throws<CheckpointException>(() => SchedulerConfig.FromFile(File)).Message);
    }

    [Fact]
    public void A_missing_file_gets_one_sentence() =>
        Assert.Contains(File, Assert.Throws<CheckpointException>(() => SchedulerConfig.FromFile(File)).Message);

    private void Write(string json) => System.IO.File.WriteAllText(File, json);
}

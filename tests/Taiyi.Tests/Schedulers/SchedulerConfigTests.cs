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
        Write("""{"num_train_timesteps": 500, "beta_start": 0.001, "beta_end": 0.02, "beta_schedule": "squaredcos_cap_v2", "prediction_type": "v_prediction", "timestep_spacing": "trailing", "steps_offset": 0, "set_alpha_to_one": true, "_class_name": "X", "unknown": 3}""");
        SchedulerConfig expected = new()
        {
            NumTrainTimesteps = 500,
            BetaStart = 0.001,
            BetaEnd = 0.02,
            BetaSchedule = BetaSchedule.SquaredcosCapV2,
            PredictionType = PredictionType.VPrediction,
            TimestepSpacing = TimestepSpacing.Trailing,
            StepsOffset = 0,
            SetAlphaToOne = true,
        };
        Assert.Equal(expected, SchedulerConfig.FromFile(File));
    }

    [Fact]
    public void A_spacing_in_the_file_holds_for_every_sampler_and_the_users_wins()
    {
        var file = SchedulerConfig.FromFile(Repository.PathTo("data/models/taiyi-mini/scheduler/scheduler_config.json"));
        using IScheduler euler = Scheduler.Create("euler", file);
        using IScheduler users = Scheduler.Create("euler", file with { TimestepSpacing = TimestepSpacing.Linspace });
        euler.SetTimesteps(5);
        users.SetTimesteps(5);
        Assert.Equal(TimestepSpacing.Leading, file.TimestepSpacing);
        Assert.Equal([801, 601, 401, 201, 1], euler.Timesteps);
        Assert.Equal([999, 749.25, 499.5, 249.75, 0], users.Timesteps);
    }

    [Theory]
    [InlineData("""{"skip_prk_steps": false}""", "'skip_prk_steps' is false", "true")]
    [InlineData("""{"clip_sample": true}""", "'clip_sample' is true", "false")]
    [InlineData("""{"trained_betas": [0.1, 0.2]}""", "'trained_betas' is [0.1, 0.2]", "null")]
    [InlineData("""{"variance_type": "learned"}""", "'variance_type' is \"learned\"", "fixed_small")]
    [InlineData("""{"beta_schedule": "sigmoid"}""", "'beta_schedule' is \"sigmoid\"", "linear or scaled_linear or squaredcos_cap_v2")]
    [InlineData("""{"prediction_type": "sample"}""", "'prediction_type' is \"sample\"", "epsilon or v_prediction")]
    [InlineData("""{"timestep_spacing": 3}""", "'timestep_spacing' is 3", "leading or linspace or trailing")]
    [InlineData("""{"num_train_timesteps": 0}""", "'num_train_timesteps' is 0", "at least 1")]
    [InlineData("""{"steps_offset": 0.5}""", "'steps_offset' is 0.5", "the type that SchedulerConfig declares")]
    [InlineData("""{"steps_offset": -1}""", "'steps_offset' is -1", "at least 0")]
    [InlineData("""{"beta_end": 1.5}""", "'beta_end' is 1.5", "between 0 and 1")]
    [InlineData("""{"set_alpha_to_one": "no"}""", "'set_alpha_to_one' is \"no\"", "the type that SchedulerConfig declares")]
    public void A_value_that_no_sampler_honours_is_named_with_the_file_and_what_is_allowed(string json, string found, string allowed)
    {
        Write(json);
        string message = Assert.Throws<CheckpointException>(() => SchedulerConfig.FromFile(File)).Message;
        Assert.Contains(found, message);
        Assert.Contains(allowed, message);
        Assert.Contains(File, message);
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

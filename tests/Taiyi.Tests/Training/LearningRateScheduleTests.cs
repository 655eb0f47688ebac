using System.Text.Json.Nodes;
using Taiyi.Training;

namespace Taiyi.Tests.Training;

public class LearningRateScheduleTests
{
    [Theory]
    [InlineData("cosine_warmup0", LearningRateDecay.Cosine, 0)]
    [InlineData("cosine_warmup10", LearningRateDecay.Cosine, 10)]
    [InlineData("constant_with_warmup10", LearningRateDecay.Constant, 10)]
    [InlineData("linear_warmup10", LearningRateDecay.Linear, 10)]
    public void Every_step_has_the_reference_rate(string golden, LearningRateDecay decay, int warmup)
    {
        JsonArray expected = JsonNode.Parse(File.ReadAllText(Repository.Golden("training.json")))!["learning_rates_of_100_steps"]![golden]!.AsArray();
        LearningRateSchedule schedule = new(decay, Peak: 1e-3, warmup, TotalSteps: 100);
        Assert.Equal(101, expected.Count);
        Assert.All(expected, (rate, step) => Assert.Equal((double)rate!, schedule.At(step), 1e-15));
    }

    [Fact]
    public void A_training_that_is_all_warm_up_never_exceeds_the_peak()
    {
        LearningRateSchedule schedule = new(LearningRateDecay.Cosine, Peak: 1, WarmupSteps: 10, TotalSteps: 10);
        Assert.Equal(0.9, schedule.At(9), 1e-15);
        Assert.Equal(1, schedule.At(10), 1e-15);
    }
}

using Taiyi.Training;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Taiyi.Tests.Training;

[NoTensorLeak]
public class TrainingPartsTests
{
    [Theory]
    [InlineData(7, 3)]
    [InlineData(5, 5)]
    [InlineData(4, 9)]
    public void Every_epoch_shows_every_picture_once_in_an_order_of_its_own(int pictures, int batchSize)
    {
        TrainingRandom random = new(11);
        long[] stream = [.. Enumerable.Range(0, 6 * pictures).SelectMany(batch => random.Images((long)batch * batchSize, batchSize, pictures)).Take(6 * pictures)];
        long[][] epochs = [.. stream.Chunk(pictures)];
        Assert.All(epochs, epoch => Assert.Equal(Enumerable.Range(0, pictures).Select(i => (long)i), epoch.Order()));
        Assert.True(epochs.Select(epoch => string.Join(' ', epoch)).Distinct().Count() > 1);
    }

    [Fact]
    public void The_moving_average_is_a_weighted_sum_and_gives_the_weights_back()
    {
        using var scope = NewDisposeScope();
        Parameter weight = nn.Parameter(tensor(new[] { 1f }));
        using ExponentialMovingAverage mean = new([new("w", weight)], decay: 0.25);
        Set(weight, 5);
        mean.Update(step: 1); // (1 + 1) / (10 + 1) is below 0.25: 2/11 · 1 + 9/11 · 5
        Set(weight, -3);
        mean.Update(step: 90); // 91/100 is above 0.25: 0.25 · 47/11 + 0.75 · -3

        using (mean.Use())
        {
            Assert.Equal(0.25f * 47 / 11 - 2.25f, weight.item<float>(), 1e-6f);
        }

        Assert.Equal(-3, weight.item<float>());
        Assert.True(weight.requires_grad);
    }

    [Fact]
    public void Decoupled_decay_shrinks_a_weight_by_rate_times_lambda_and_the_first_step_has_the_size_of_the_rate()
    {
        using var scope = NewDisposeScope();
        Parameter weight = nn.Parameter(tensor(new[] { 2f, 2f }));
        using AdamW optimizer = new([new("w", weight)], weightDecay: 0.1);
        (weight * tensor(new[] { 3f, -0.01f })).sum().backward(); // gradients 3 and -0.01: Adam's first step forgets their size

        optimizer.Step(learningRate: 0.5);

        // θ (1 - α λ) ∓ α: 2 · 0.95 - 0.5 and 2 · 0.95 + 0.5
        Close.Assert(tensor(new[] { 1.4f, 2.4f }), weight, 1e-5);
    }

    [Fact]
    public void Options_come_back_from_their_JSON_and_bad_ones_are_named()
    {
        LoraTrainingOptions options = TinyTraining.Options with { SamplePrompts = ["一只猫"], Model = "m", SnrGamma = null };
        Assert.Equal(options.ToJson(), TrainingOptions.FromJson<LoraTrainingOptions>(options.ToJson()).ToJson());
        Assert.Contains("一只猫", options.ToJson());
        Assert.Contains("learning rate is -1", Assert.Throws<ArgumentException>(() => (options with { LearningRate = -1 }).Validate()).Message);
        Assert.Contains("caption dropout is 1", Assert.Throws<ArgumentException>(() => (options with { CaptionDropout = 1 }).Validate()).Message);
        Assert.Contains("original and practical", Assert.Throws<ArgumentException>(() => LoraTrainingOptions.Recipe("x")).Message);
    }

    [Fact]
    public void The_seed_recipe_is_that_of_the_original_project()
    {
        LoraTrainingOptions seed = LoraTrainingOptions.Original;
        Assert.Equal((1e-7, 5.0, LearningRateDecay.Cosine, 8, 16.0, 0.1), (seed.LearningRate, seed.Epochs, seed.Decay, seed.Lora.Rank, seed.Lora.Alpha, seed.Lora.Dropout));
        Assert.Equal(["to_k", "to_q", "to_v", "to_out.0"], seed.Lora.TargetModules);
        Assert.Equal(600, seed.TotalSteps(pictures: 120));
        Assert.Equal(38, (seed with { BatchSize = 4, GradientAccumulation = 4 }).TotalSteps(pictures: 120)); // 37.5 rounded up
    }

    private static void Set(Parameter weight, float value)
    {
        using IDisposable noGrad = no_grad();
        weight.fill_(value);
    }
}

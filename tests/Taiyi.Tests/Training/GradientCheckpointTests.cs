using Taiyi.Lora;
using Taiyi.Models;
using Taiyi.Tests.Lora;
using Taiyi.Training;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Taiyi.Tests.Training;

[NoTensorLeak]
public class GradientCheckpointTests
{
    [Fact]
    public void Lora_gradients_are_the_same_with_checkpointing_dropout_included()
    {
        using var scope = NewDisposeScope();
        using TrainingGolden golden = new();
        using UNet2DConditionModel unet = TinyUNet.Load();
        using Generator generator = new(5);
        using LoraAdapter adapter = LoraAdapter.Inject(unet, new LoraConfig { Rank = 4, Dropout = 0.3 }, generator);
        using (no_grad())
        {
            foreach (LoraLayer layer in adapter.Layers.Values)
            {
                layer.B.normal_(0, 0.3, generator);
            }
        }

        adapter.Train(seed: 1, step: 7);
        Dictionary<string, Tensor> plain = Gradients(golden, unet, TrainingGolden.Named(adapter), checkpointing: false);
        Dictionary<string, Tensor> recomputed = Gradients(golden, unet, TrainingGolden.Named(adapter), checkpointing: true);
        AssertSame(plain, recomputed);

        adapter.Train(seed: 1, step: 8); // the test would notice other masks
        Dictionary<string, Tensor> otherMasks = Gradients(golden, unet, TrainingGolden.Named(adapter), checkpointing: true);
        Assert.Contains(plain, gradient => Close.Difference(gradient.Value, otherMasks[gradient.Key]) > 1e-3);
    }

    [Fact]
    public void Gradients_of_every_weight_are_the_same_with_checkpointing()
    {
        using var scope = NewDisposeScope();
        using TrainingGolden golden = new();
        using UNet2DConditionModel unet = TinyUNet.Load();
        KeyValuePair<string, Parameter>[] weights = [.. unet.named_parameters().Select(p => new KeyValuePair<string, Parameter>(p.name, p.parameter))];
        foreach ((_, Parameter weight) in weights)
        {
            weight.requires_grad = true;
        }

        Dictionary<string, Tensor> plain = Gradients(golden, unet, weights, checkpointing: false);
        AssertSame(plain, Gradients(golden, unet, weights, checkpointing: true));
    }

    [Fact]
    public void Without_gradients_checkpointing_runs_the_plain_forward_pass()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        unet.GradientCheckpointing = true;
        using (no_grad())
        {
            using Tensor expected = TinyUNet.Golden("base"), actual = TinyUNet.RunWithGradients(unet);
            Close.Assert(expected, actual, 5e-5);
            Assert.False(actual.requires_grad);
        }

        unet.GradientCheckpointing = false;
        using Tensor frozen = TinyUNet.RunWithGradients(unet);
        Assert.False(frozen.requires_grad);
    }

    private static Dictionary<string, Tensor> Gradients(
        TrainingGolden golden, UNet2DConditionModel unet, IEnumerable<KeyValuePair<string, Parameter>> weights, bool checkpointing)
    {
        unet.GradientCheckpointing = checkpointing;
        (TrainingBatch batch, DiffusionDraws draws) = golden.Batch(0, 0..2);
        Tensor loss = TrainingGolden.Loss(unet).Compute(batch, draws);
        loss.backward();
        Dictionary<string, Tensor> gradients = [];
        foreach ((string name, Parameter weight) in weights)
        {
            gradients.Add(name, weight.grad!.clone());
            weight.grad = null;
        }

        return gradients;
    }

    // Sums run in the same order; a multiplication may be fused in one of the two passes.
    private static void AssertSame(Dictionary<string, Tensor> expected, Dictionary<string, Tensor> actual)
    {
        Assert.Equal(expected.Keys, actual.Keys);
        Assert.All(expected, gradient => Close.Assert(gradient.Value, actual[gradient.Key], 1e-5));
        Assert.Contains(expected.Values, gradient => gradient.abs().max().item<float>() > 1e-3);
    }
}

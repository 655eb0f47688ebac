using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

[NoTensorLeak]
public sealed class CrossAttentionMapsTests
{
    private const int Tokens = 5;

    [Fact]
    public void Every_place_shares_its_whole_attention_among_the_tokens()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        using CrossAttentionMaps maps = new(unet);

        Run(unet, 16, 24);

        Tensor average = maps.Average(); // (L, h, w)
        Close.Assert(ones_like(average[0]), average.sum([0]), 1e-5);
        Assert.NotEmpty(maps.Layers);
        foreach (string layer in maps.Layers)
        {
            Tensor map = maps.Of(layer); // (L, h, w)
            Assert.Equal(Tokens, map.shape[0]);
            Assert.Equal(1.5, (double)map.shape[2] / map.shape[1]); // 16 x 24, halved
            Close.Assert(ones_like(map[0]), map.sum([0]), 1e-5);
        }
    }

    // With K = 0 every token gets the same share, by eq. (1) of arXiv:1706.03762.
    [Fact]
    public void Tokens_that_look_the_same_get_the_same_share()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        using CrossAttentionMaps maps = new(unet);

        unet.call(Noise(1, 16, 16), tensor(500f), zeros(1, Tokens, unet.Config.CrossAttentionDim)).Dispose();

        Tensor average = maps.Average();
        Close.Assert(full_like(average, 1.0 / Tokens), average, 1e-6);
    }

    [Fact]
    public void The_mean_over_two_calls_lies_between_both()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        using CrossAttentionMaps maps = new(unet);
        Run(unet, 16, 16, timestep: 900);
        Tensor first = maps.Average();
        maps.Reset();
        Run(unet, 16, 16, timestep: 10);
        Tensor second = maps.Average();

        Run(unet, 16, 16, timestep: 900);

        Close.Assert((first + second) / 2, maps.Average(), 1e-6);
        Close.AssertApart(first, second, 1e-6);
    }

    [Fact]
    public void Of_a_batch_the_last_row_is_recorded()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        using CrossAttentionMaps maps = new(unet);
        (Tensor sample, Tensor context) = (Noise(2, 16, 16), Captions(unet, 2));
        unet.call(sample[1..], tensor(500f), context[1..]);
        Tensor alone = maps.Average();
        maps.Reset();

        unet.call(sample, tensor(500f), context);

        Close.Assert(alone, maps.Average(), 1e-5);
    }

    [Fact]
    public void Recording_changes_no_output_and_ends_with_its_disposal()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        Tensor before = Run(unet, 16, 16);
        CrossAttentionMaps maps = new(unet);
        Close.Assert(before, Run(unet, 16, 16), 0);
        Assert.Throws<InvalidOperationException>(() => new CrossAttentionMaps(unet));

        maps.Dispose();

        Run(unet, 16, 16);
        Assert.Empty(maps.Layers);
        Assert.Throws<InvalidOperationException>(maps.Average);
    }

    private static Tensor Run(UNet2DConditionModel unet, long height, long width, float timestep = 500)
    {
        using IDisposable noGrad = no_grad();
        return unet.call(Noise(1, height, width), tensor(timestep), Captions(unet, 1));
    }

    private static Tensor Noise(long batch, long height, long width)
    {
        using Generator generator = new(1, CPU);
        return randn([batch, 4, height, width], generator: generator);
    }

    private static Tensor Captions(UNet2DConditionModel unet, long batch)
    {
        using Generator generator = new(2, CPU);
        return randn([batch, Tokens, unet.Config.CrossAttentionDim], generator: generator);
    }
}

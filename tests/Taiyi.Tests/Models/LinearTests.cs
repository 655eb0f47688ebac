using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

/// <summary>The linear layer and the feed-forward network where few and where many vectors go through them.</summary>
[NoTensorLeak]
public sealed class LinearTests
{
    [Theory]
    [InlineData(7, true)]
    [InlineData(600, true)] // on AMD's processors a convolution
    [InlineData(600, false)]
    public void It_agrees_with_float64_whatever_the_number_of_vectors_and_their_strides(int vectors, bool bias)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Linear linear = new(48, 24, bias);
        using var network = nn.Sequential(linear);
        WeightedLayer.Allocate(network, CPU, ScalarType.Float32);
        linear.Weight.copy_(randn(24, 48) / 7); // outputs of variance 1
        linear.Bias?.copy_(randn(24));
        Tensor input = randn(2, 48, vectors).transpose(1, 2); // (2, vectors, 48)

        Tensor exact = nn.functional.linear(input.to(float64), linear.Weight.to(float64), linear.Bias?.to(float64));

        Close.Assert(exact, linear.call(input), 1e-5);
        Close.Assert(exact, linear.call(input.contiguous()), 1e-5);
        Close.Assert(exact[1], linear.call(input[1]), 1e-5);
    }

    [Fact]
    public void A_feed_forward_network_gives_in_parts_what_it_gives_as_a_whole()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        FeedForward feedForward = GoldenModel.Submodule<FeedForward>(unet, "down_blocks.0.attentions.0.transformer_blocks.0.ff"); // 32 wide
        Tensor input = randn(2, 12_500, 32); // 24.4 MiB inside
        Tensor whole = feedForward.call(input); // as gradients are on
        using IDisposable noGrad = no_grad();

        Close.Assert(whole, feedForward.call(input), 1e-5);
        Close.Assert(whole[0], feedForward.call(input[0].unsqueeze(0))[0], 1e-5); // few enough to stay together
    }
}

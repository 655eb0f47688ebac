using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

[NoTensorLeak]
public sealed class LinearTests
{
    [Fact]
    public void Adapters_add_to_the_output_and_come_off_again()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        var toQ = GoldenModel.Submodule<Linear>(unet, "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_q");
        Tensor input = ones(3, 32);
        Tensor plain = toQ.call(input);
        Func<Tensor, Tensor> twice = x => 2 * x, thrice = x => 3 * x;

        toQ.Adapters.Add(twice);
        toQ.Adapters.Add(thrice);
        Close.Assert(plain + 5, toQ.call(input), 1e-6); // W x + 2 · 1 + 3 · 1

        toQ.Adapters.Remove(twice);
        toQ.Adapters.Remove(thrice);
        Close.Assert(plain, toQ.call(input), 0);
    }
}

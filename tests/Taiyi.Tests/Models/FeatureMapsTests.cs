using Taiyi.Files;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

[NoTensorLeak]
public sealed class FeatureMapsTests
{
    [Fact]
    public void Blocks_equal_the_stages_of_the_reference()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("unet.safetensors"));

        using FeatureMaps maps = FeatureMaps.Of(unet, golden.Read("scalar_t.sample"), golden.Read("scalar_t.timestep"), golden.Read("scalar_t.context"));

        Dictionary<string, Tensor> outputs = maps.Blocks.ToDictionary(block => block.Name, block => block.Output);
        Close.Assert(golden.Read("scalar_t.conv_in"), outputs["conv_in"], 3e-5); // tests/Golden/README.md, UNet output
        Close.Assert(golden.Read("scalar_t.down_block_0"), outputs["down_blocks.0"], 3e-5);
        Close.Assert(golden.Read("scalar_t.mid_block"), outputs["mid_block"], 3e-5);
        Close.Assert(golden.Read("scalar_t.output"), maps.Blocks[^1].Output, 3e-5);
    }

    [Fact]
    public void Blocks_stand_in_the_order_in_which_they_run()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        string[] sides(string name) => [.. Enumerable.Range(0, unet.Config.BlockOutChannels.Count).Select(i => $"{name}.{i}")];

        using FeatureMaps maps = FeatureMaps.Of(unet, zeros(1, 4, 16, 16), tensor(1f), zeros(1, 3, unet.Config.CrossAttentionDim));

        Assert.Equal(["conv_in", .. sides("down_blocks"), "mid_block", .. sides("up_blocks"), "conv_out"], maps.Blocks.Select(block => block.Name));
    }

    [Fact]
    public void A_refused_input_leaves_no_hook_behind()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        Tensor context = zeros(1, 3, unet.Config.CrossAttentionDim);

        Assert.Throws<ArgumentException>(() => FeatureMaps.Of(unet, zeros(1, 3, 16, 16), tensor(1f), context));

        using FeatureMaps maps = FeatureMaps.Of(unet, zeros(1, 4, 16, 16), tensor(1f), context);
        Assert.Equal(maps.Blocks.Select(block => block.Name).Distinct(), maps.Blocks.Select(block => block.Name));
    }
}

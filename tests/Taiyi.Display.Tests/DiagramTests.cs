using System.Xml.Linq;
using Taiyi.Models;
using Taiyi.Snapshots;
using static TorchSharp.torch;

namespace Taiyi.Display.Tests;

[NoTensorLeak]
public sealed class DiagramTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void The_unet_has_the_shapes_that_its_blocks_put_out()
    {
        using var scope = NewDisposeScope();
        ModelFolder folder = ModelFolder.Open(DefaultModel.Find());
        using UNet2DConditionModel unet = new(folder.UNetConfig);
        int side = folder.UNetConfig.SampleSize!.Value;
        using FeatureMaps maps = FeatureMaps.Of(
            unet, zeros(1, folder.UNetConfig.InChannels, side, side), full(1, 500f), zeros(1, 4, folder.UNetConfig.CrossAttentionDim));

        string[] drawn = new UNetDiagram(folder.UNetConfig).ToText().Split('\n');

        Assert.Equal(maps.Blocks.Select(block => $"{block.Name}: ({string.Join(", ", block.Output.shape)})"), drawn.Select(line => line.Replace(", cross-attention", "", StringComparison.Ordinal)));
    }

    [Fact]
    public void Taiyis_own_unet_has_four_levels_the_lowest_without_cross_attention()
    {
        string[] lines = new UNetDiagram(TaiyiConfigs.UNet, sampleSize: 64).ToText().Split('\n');

        Assert.Equal(["down_blocks.0: (1, 320, 32, 32), cross-attention", "down_blocks.3: (1, 1280, 8, 8)"], [lines[1], lines[4]]);
        Assert.Equal("conv_out: (1, 4, 64, 64)", lines[^1]);
    }

    [Fact]
    public void Every_skip_and_every_link_is_drawn()
    {
        ModelFolder folder = ModelFolder.Open(DefaultModel.Find());

        XElement linked = XElement.Parse(new UNetDiagram(folder.UNetConfig, "../lib/Taiyi").ToHtml());
        XElement plain = XElement.Parse(new UNetDiagram(folder.UNetConfig).ToHtml());

        int levels = folder.UNetConfig.BlockOutChannels.Count;
        Assert.Equal(levels, linked.Descendants(Svg + "path").Count(path => path.Attribute("stroke-dasharray") != null));
        Assert.Equal(3 + (2 * levels), linked.Descendants(Svg + "a").Count());
        Assert.Empty(plain.Descendants(Svg + "a"));
    }

    [Fact]
    public void The_pipelines_parts_lead_to_files_that_are_there()
    {
        using StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(DefaultModel.Find());
        string library = Path.Combine(Repository.Root, "lib", "Taiyi");

        PipelineDiagram diagram = new(pipeline, library);
        string[] files = [.. XElement.Parse(diagram.ToHtml()).Descendants(Svg + "a").Select(link => (string)link.Attribute("href")!)];

        Assert.Equal(7, files.Length);
        Assert.All(files, file => Assert.True(File.Exists(file), file));
        Assert.Contains($"noise ({string.Join(", ", pipeline.LatentShape(1))})", diagram.ToText(), StringComparison.Ordinal);
    }
}

using Taiyi.Models;
using Taiyi.Snapshots;
using static TorchSharp.torch;

namespace Taiyi.Tests.Snapshots;

/// <summary>The counts follow from the sizes of the model's files: four bytes a parameter.</summary>
[NoTensorLeak]
public sealed class TaiyiConfigsTests
{
    [Fact]
    public void The_UNet_has_the_859_million_parameters_of_Stable_Diffusion_v1()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = new(TaiyiConfigs.UNet, META);

        Assert.Equal(859_520_964, Count(unet)); // 3.44 GB
    }

    [Fact]
    public void The_autoencoder_has_84_million_parameters()
    {
        using var scope = NewDisposeScope();
        using AutoencoderKL vae = new(TaiyiConfigs.Vae, META);

        Assert.Equal(83_653_863, Count(vae)); // 335 MB
    }

    [Fact]
    public void The_text_encoder_has_102_million_parameters_less_the_pooler_that_diffusion_does_not_use()
    {
        using var scope = NewDisposeScope();
        using BertTextEncoder encoder = new(TaiyiConfigs.TextEncoder, META);

        Assert.Equal(102_267_648 - ((768 * 768) + 768), Count(encoder)); // 409 MB with the pooler
    }

    private static long Count(nn.Module network) => network.parameters().Sum(parameter => parameter.numel());
}

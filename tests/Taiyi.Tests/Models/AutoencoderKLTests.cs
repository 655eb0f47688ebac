using Taiyi.Files;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

[NoTensorLeak]
public sealed class AutoencoderKLTests
{
    private const double Tolerance = 2e-5; // tests/Golden/README.md, VAE

    [Fact]
    public void The_posterior_of_a_picture_equals_the_reference()
    {
        using var scope = NewDisposeScope();
        using AutoencoderKL vae = GoldenModel.Vae(GoldenModel.TinyTaiyi);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("vae.safetensors"));

        using DiagonalGaussianDistribution posterior = vae.Encode(golden.Read("image"));

        Close.Assert(golden.Read("mean"), posterior.Mean, Tolerance);
        Close.Assert(golden.Read("logvar"), posterior.LogVariance, Tolerance);
        Close.Assert(golden.Read("mode"), posterior.Mode(), Tolerance);
        Close.Assert(golden.Read("sample"), posterior.Sample(golden.Read("noise")), Tolerance);
    }

    [Fact]
    public void The_decoded_picture_equals_the_reference()
    {
        using var scope = NewDisposeScope();
        using AutoencoderKL vae = GoldenModel.Vae(GoldenModel.TinyTaiyi);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("vae.safetensors"));

        Close.Assert(golden.Read("decoded"), vae.Decode(golden.Read("latents")), Tolerance);
    }

    // Inputs of variance 1e-6: the group norms' epsilon of 1e-6 decides the result.
    [Fact]
    public void The_middle_of_the_decoder_has_the_reference_epsilon()
    {
        using var scope = NewDisposeScope();
        using AutoencoderKL vae = GoldenModel.Vae(GoldenModel.TinyTaiyi);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("vae.safetensors"));
        var resnet = GoldenModel.Submodule<ResnetBlock2D>(vae, "decoder.mid_block.resnets.0");
        var attention = GoldenModel.Submodule<VaeAttention>(vae, "decoder.mid_block.attentions.0");
        Tensor small = golden.Read("small.input");

        Close.Assert(golden.Read("small.decoder.mid_block.resnets.0"), resnet.call(small, null), Tolerance);
        Close.Assert(golden.Read("small.decoder.mid_block.attentions.0"), attention.call(small), Tolerance);
    }

    [Fact]
    public void Another_origin_moves_the_latents_and_leaves_the_pictures()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using AutoencoderKL vae = GoldenModel.Vae(GoldenModel.TinyTaiyi);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("vae.safetensors"));
        Tensor offset = tensor([0.5f, -1f, 2f, 0f]), offsets = offset.view(1, 4, 1, 1);

        vae.MoveOrigin(offset);

        using DiagonalGaussianDistribution posterior = vae.Encode(golden.Read("image"));
        Close.Assert(golden.Read("mean") - offsets, posterior.Mean, Tolerance);
        Close.Assert(golden.Read("logvar"), posterior.LogVariance, Tolerance);
        Close.Assert(golden.Read("decoded"), vae.Decode(golden.Read("latents") - offsets), Tolerance);
    }

    [Fact]
    public void The_same_seed_draws_the_same_latents()
    {
        using var scope = NewDisposeScope();
        using AutoencoderKL vae = GoldenModel.Vae(GoldenModel.TinyTaiyi);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("vae.safetensors"));
        using DiagonalGaussianDistribution posterior = vae.Encode(golden.Read("image"));

        using Generator first = new(7, CPU), again = new(7, CPU), other = new(8, CPU);
        Tensor drawn = posterior.Sample(first);

        Close.Assert(drawn, posterior.Sample(again), 0);
        Assert.False(drawn.equal(posterior.Sample(other)).all().item<bool>());
    }
}

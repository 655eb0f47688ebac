using Taiyi.Checkpoints;
using Taiyi.Data;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

/// <summary>Decoding in tiles beside the reference's and our own decode in one piece.</summary>
[NoTensorLeak]
public sealed class TiledDecodeTests
{
    private const double Tolerance = 2e-5; // tests/Golden/README.md, VAE: rounding alone

    [Fact]
    public void A_picture_of_one_strip_equals_the_reference()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using AutoencoderKL vae = GoldenModel.Vae(GoldenModel.TinyTaiyi);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("vae.safetensors"));

        Close.Assert(golden.Read("decoded"), Decode(vae, golden.Read("latents"), tiling: true), Tolerance);
    }

    [Fact]
    public void A_picture_of_several_strips_equals_the_picture_in_one_piece()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using AutoencoderKL vae = GoldenModel.Vae(GoldenModel.TinyTaiyi);
        using Generator generator = new(1, CPU);
        Tensor latents = randn([2, vae.Config.LatentChannels, 67, 11], generator: generator); // strips of 64, 64 and 6 rows at the end

        Tensor tiled = Decode(vae, latents, tiling: true);

        Close.Assert(Decode(vae, latents, tiling: false), tiled, Tolerance);
        Close.Assert(tiled, Decode(vae, latents, tiling: true), 0);
    }

    [Fact]
    public void Of_taiyi_mini_a_picture_of_four_times_its_size_is_the_same_in_tiles()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using AutoencoderKL vae = GoldenModel.Vae(Repository.MiniModel);
        string file = Directory.EnumerateFiles(Repository.PathTo("data/poster/images")).Order(StringComparer.Ordinal).First();
        Tensor picture = ImagePreprocessing.ResizeAndCenterCrop(ImageFile.Read(file), 128).ToTensor().unsqueeze(0); // (1, 3, 128, 128)
        using DiagonalGaussianDistribution posterior = vae.Encode(picture);
        Tensor latents = posterior.Mean; // (1, 4, 32, 32)

        Close.Assert(Decode(vae, latents, tiling: false), Decode(vae, latents, tiling: true), Tolerance);
    }

    [Fact]
    public void Memory_in_one_piece_is_three_and_a_half_times_the_largest_map()
    {
        using var scope = NewDisposeScope();
        using AutoencoderKL vae = GoldenModel.Vae(GoldenModel.TinyTaiyi); // 32 channels at both resolutions, pictures of twice the latents

        Assert.Equal(7 * 32 * (2 * 16) * (2 * 8) * 4 / 2, vae.DecodeBytes(zeros(1, 4, 16, 8)));
        Assert.Equal(7 * 32 * (2 * 16) * (2 * 8) * 2 / 2, vae.DecodeBytes(zeros([1, 4, 16, 8], ScalarType.BFloat16)));
    }

    [Fact]
    public void A_picture_that_no_machine_could_hold_exceeds_the_free_memory()
    {
        using var scope = NewDisposeScope();
        using AutoencoderKL vae = GoldenModel.Vae(GoldenModel.TinyTaiyi);

        Assert.InRange(FreeMemory.Bytes, 1, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        Assert.True(vae.DecodeBytes(empty(1, 4, 1 << 20, 1 << 20, device: META)) > FreeMemory.Bytes);
    }

    private static Tensor Decode(AutoencoderKL vae, Tensor latents, bool tiling)
    {
        vae.UseTiling = tiling;
        return vae.Decode(latents);
    }
}

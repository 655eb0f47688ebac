using Taiyi.Files;
using Taiyi.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

[NoTensorLeak]
public sealed class UNet2DConditionModelTests
{
    private const double Tolerance = 3e-5; // tests/Golden/README.md, UNet output

    [Theory]
    [InlineData("scalar_t")] // 7 tokens, one timestep for both pictures
    [InlineData("per_sample_t")] // 77 tokens, a timestep each
    [InlineData("non_square")]
    public void Noise_prediction_equals_the_reference(string name)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("unet.safetensors"));

        Tensor output = unet.call(golden.Read($"{name}.sample"), golden.Read($"{name}.timestep"), golden.Read($"{name}.context"));

        Close.Assert(golden.Read($"{name}.output"), output, Tolerance);
    }

    [Fact]
    public void Every_stage_equals_the_reference()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("unet.safetensors"));
        Dictionary<string, Tensor> seen = [];
        GoldenModel.Submodule<TimestepEmbedding>(unet, "time_embedding").register_forward_hook((_, _, output) => Keep("time_embedding", output));
        GoldenModel.Submodule<Conv2d>(unet, "conv_in").register_forward_hook((_, _, output) => Keep("conv_in", output));
        GoldenModel.Submodule<DownBlock2D>(unet, "down_blocks.0").register_forward_hook((_, _, _, _, _, output) => Keep("down_block_0", output));
        GoldenModel.Submodule<UNetMidBlock2DCrossAttn>(unet, "mid_block").register_forward_hook((_, _, _, _, output) => Keep("mid_block", output));

        unet.call(golden.Read("scalar_t.sample"), golden.Read("scalar_t.timestep"), golden.Read("scalar_t.context"));

        Assert.Equal(4, seen.Count);
        foreach (var (stage, output) in seen)
        {
            // One timestep for all is embedded once; the reference has a row for each picture.
            Tensor expected = golden.Read($"scalar_t.{stage}");
            Close.Assert(expected, output.expand(expected.shape), Tolerance);
        }

        Tensor Keep(string stage, Tensor output)
        {
            seen[stage] = output.clone().MoveToOtherDisposeScope(scope);
            return output;
        }
    }

    // Inputs of variance 1e-6: the group norms' epsilon, 1e-5 here and 1e-6 there, decides the result.
    [Fact]
    public void A_resnet_of_the_UNet_has_the_reference_epsilon()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("unet.safetensors"));
        var resnet = GoldenModel.Submodule<ResnetBlock2D>(unet, "down_blocks.0.resnets.0");

        Tensor output = resnet.call(golden.Read("small.input"), golden.Read("small.time_embedding"));

        Close.Assert(golden.Read("small.down_blocks.0.resnets.0"), output, Tolerance);
    }

    [Fact]
    public void A_transformer_of_the_UNet_has_the_reference_epsilon()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("unet.safetensors"));
        var transformer = GoldenModel.Submodule<Transformer2DModel>(unet, "down_blocks.0.attentions.0");

        Tensor output = transformer.call(golden.Read("small.input"), golden.Read("small.context"));

        Close.Assert(golden.Read("small.down_blocks.0.attentions.0"), output, Tolerance);
    }

    [Theory]
    [InlineData(32)]
    [InlineData(320)]
    public void Timestep_sinusoids_equal_the_reference(int width)
    {
        using var scope = NewDisposeScope();
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("unet.safetensors"));

        Tensor sinusoids = TimestepEmbedding.Sinusoids(golden.Read("timestep_embedding.timesteps"), width);

        Close.Assert(golden.Read($"timestep_embedding.{width}"), sinusoids, 1e-5);
    }

    [Fact]
    public void Sides_that_do_not_halve_evenly_come_back_as_they_were()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(Repository.MiniModel);

        Tensor output = unet.call(zeros(1, 8, 10, 7), tensor(1), zeros(1, 5, 192));

        Assert.Equal([1, 8, 10, 7], output.shape);
    }

    [Fact]
    public void In_bfloat16_the_prediction_stays_near_float32()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi, ScalarType.BFloat16);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("unet.safetensors"));

        Tensor output = unet.call(
            golden.Read("scalar_t.sample").bfloat16(), golden.Read("scalar_t.timestep"), golden.Read("scalar_t.context").bfloat16());

        Assert.Equal(ScalarType.BFloat16, output.dtype);
        Close.Assert(golden.Read("scalar_t.output"), output, 0.1); // bfloat16 has 8 bits: 2^-8 of values to 2.2, through 40 layers
    }

    [Fact]
    public void A_network_can_change_its_dtype_after_loading()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("unet.safetensors"));

        unet.to(ScalarType.Float64);
        Tensor output = unet.call(
            golden.Read("scalar_t.sample").to(ScalarType.Float64), golden.Read("scalar_t.timestep"), golden.Read("scalar_t.context").to(ScalarType.Float64));

        Assert.Equal(ScalarType.Float64, output.dtype);
        Close.Assert(golden.Read("scalar_t.output"), output, Tolerance);
    }

    [Fact]
    public void Gradients_reach_the_input_through_the_activations_in_place()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("unet.safetensors"));
        Tensor context = golden.Read("scalar_t.context");
        Tensor sample = golden.Read("scalar_t.sample").requires_grad_();
        Tensor direction = Seeded.Randn(1, sample.shape);
        direction /= direction.norm();

        Prediction(sample).backward();
        double slope = (sample.grad! * direction).sum().item<float>();

        // Central difference along the direction; its own error is of the order of h² and of float32's noise over h.
        using var noGrad = no_grad();
        const double H = 0.05;
        double measured = (Prediction(sample + (H * direction)) - Prediction(sample - (H * direction))).item<double>() / (2 * H);
        Assert.InRange(slope, measured - 0.02 * Math.Abs(measured) - 1e-2, measured + 0.02 * Math.Abs(measured) + 1e-2);

        Tensor Prediction(Tensor x) => unet.call(x, tensor(981), context).to(ScalarType.Float64).pow(2).sum();
    }

    [Fact]
    public void A_caption_of_another_width_is_refused_with_both_widths()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);

        var error = Assert.Throws<ArgumentException>(() => unet.call(zeros(1, 4, 8, 8), tensor(1), zeros(1, 7, 768)));

        Assert.Contains("(1, 7, 768)", error.Message);
        Assert.Contains("(B, L, 32)", error.Message);
    }

    [Fact]
    public void A_picture_in_place_of_latents_is_refused()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);

        var error = Assert.Throws<ArgumentException>(() => unet.call(zeros(1, 3, 8, 8), tensor(1), zeros(1, 7, 32)));

        Assert.Contains("(1, 3, 8, 8)", error.Message);
    }

    [Fact]
    public void An_observer_sees_the_attention_map_of_every_token()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        List<long[]> shapes = [];
        var attention = GoldenModel.Submodule<CrossAttention>(unet, "down_blocks.0.attentions.0.transformer_blocks.0.attn2");
        attention.Observer = (query, key) => shapes.Add(matmul(query, key.transpose(-1, -2)).shape);

        unet.call(zeros(2, 4, 16, 16), tensor(1), zeros(2, 7, 32));

        Assert.Equal([2, 8, 256, 7], Assert.Single(shapes)); // (B, heads, HW, L)
    }
}

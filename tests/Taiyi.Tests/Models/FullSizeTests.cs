using System.Text.Json.Nodes;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

/// <summary>The networks at the real Taiyi's sizes: names and shapes without memory, and one forward pass each.</summary>
[NoTensorLeak]
public sealed class FullSizeTests
{
    private static readonly JsonNode Golden = JsonNode.Parse(File.ReadAllText(Repository.Golden("full_size.json")))!;

    [Fact]
    public void Names_and_shapes_of_the_text_encoder_are_those_of_the_real_file()
    {
        using BertTextEncoder encoder = new(Read("text_encoder", BertConfig.FromFile), META);

        AssertNamesAndShapes("text_encoder", encoder, name => name);
    }

    [Fact]
    public void Names_and_shapes_of_the_UNet_are_those_of_the_real_file()
    {
        using UNet2DConditionModel unet = new(Read("unet", UNet2DConditionConfig.FromFile), META);

        AssertNamesAndShapes("unet", unet, name => name);
        Assert.Equal(859_520_964, unet.parameters().Sum(parameter => parameter.numel())); // the 859.52 M of the model card
    }

    [Fact]
    public void Names_and_shapes_of_the_VAE_are_those_of_the_real_file()
    {
        using AutoencoderKL vae = new(Read("vae", AutoencoderKLConfig.FromFile), META);

        AssertNamesAndShapes("vae", vae, GoldenModel.OldVaeName);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void The_text_encoder_gives_the_reference_numbers()
    {
        using var scope = NewDisposeScope();
        using BertTextEncoder encoder = new(Read("text_encoder", BertConfig.FromFile));
        FormulaWeights.Fill(encoder, name => name);
        long[] ids = [.. Golden["text_encoder"]!["ids"]!.AsArray().Select(id => (long)id!)];

        AssertSummary("text_encoder", "last_hidden_state", encoder.call(tensor(ids, [1, ids.Length])));
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void The_VAE_gives_the_reference_numbers()
    {
        using var scope = NewDisposeScope();
        using AutoencoderKL vae = new(Read("vae", AutoencoderKLConfig.FromFile));
        FormulaWeights.Fill(vae, GoldenModel.OldVaeName);

        AssertSummary("vae", "decoded", vae.Decode(Input("vae", "latents")));
        using DiagonalGaussianDistribution posterior = vae.Encode(Input("vae", "image"));
        AssertSummary("vae", "encoded_mean", posterior.Mean);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void The_UNet_gives_the_reference_numbers()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = new(Read("unet", UNet2DConditionConfig.FromFile));
        FormulaWeights.Fill(unet, name => name);

        AssertSummary("unet", "sample", unet.call(Input("unet", "sample"), tensor(500), Input("unet", "context")));
    }

    private static T Read<T>(string network, Func<string, T> fromFile)
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, Golden[network]!["config"]!.ToJsonString());
        T config = fromFile(path);
        File.Delete(path);
        return config;
    }

    private static Tensor Input(string network, string name)
    {
        JsonArray keyAndShape = Golden[network]!["input"]![name]!.AsArray();
        return FormulaWeights.Input((string)keyAndShape[0]!, [.. keyAndShape[1]!.AsArray().Select(length => (long)length!)]);
    }

    private static void AssertNamesAndShapes(string network, nn.Module module, Func<string, string> fileName)
    {
        var expected = Golden[network]!["names_and_shapes"]!.AsObject()
            .Where(named => !named.Key.StartsWith("pooler.", StringComparison.Ordinal)) // BERT's pooler is in the file, unused
            .Select(named => $"{named.Key} {named.Value!.ToJsonString()}");
        var actual = module.state_dict().Select(named => $"{fileName(named.Key)} [{string.Join(",", named.Value.shape)}]");

        Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));
        Assert.All(module.parameters(), parameter => Assert.True(parameter.is_meta));
    }

    // Tolerances: tests/Golden/README.md, full size.
    private static void AssertSummary(string network, string name, Tensor output)
    {
        using var scope = NewDisposeScope();
        JsonNode golden = Golden[network]!["output"]![name]!;
        double absMean = (double)golden["abs_mean"]!;
        Tensor values = output.to(ScalarType.Float64).flatten();

        Assert.Equal(golden["shape"]!.AsArray().Select(length => (long)length!), output.shape);
        Close.Assert(tensor(golden["first_64"]!.AsArray().Select(value => (double)value!).ToArray()), values[..64], 1e-4);
        Assert.Equal((double)golden["sum"]!, values.sum().item<double>(), 1e-6 * absMean * output.numel());
        Assert.Equal(absMean, values.abs().mean().item<double>(), 1e-5);
        Assert.Equal((double)golden["std"]!, values.std(unbiased: false).item<double>(), 1e-5);
    }
}

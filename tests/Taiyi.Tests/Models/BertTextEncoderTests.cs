using Taiyi.Files;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

[NoTensorLeak]
public sealed class BertTextEncoderTests
{
    private const double Tolerance = 3e-5; // tests/Golden/README.md, text encoder

    [Theory]
    [InlineData("short")]
    [InlineData("len77")]
    [InlineData("len512")]
    public void Last_hidden_state_equals_the_reference_without_a_mask(string length)
    {
        using var scope = NewDisposeScope();
        using BertTextEncoder encoder = GoldenModel.TextEncoder(GoldenModel.TinyTaiyi);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("text_encoder.safetensors"));

        Tensor output = encoder.call(golden.Read($"{length}.input_ids"));

        Close.Assert(golden.Read($"{length}.no_mask"), output, Tolerance);
    }

    [Theory]
    [InlineData("short")]
    [InlineData("len77")]
    public void Last_hidden_state_equals_the_reference_with_a_mask(string length)
    {
        using var scope = NewDisposeScope();
        using BertTextEncoder encoder = GoldenModel.TextEncoder(GoldenModel.TinyTaiyi);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("text_encoder.safetensors"));

        Tensor output = encoder.forward(golden.Read($"{length}.input_ids"), golden.Read($"{length}.attention_mask"));

        Close.Assert(golden.Read($"{length}.masked"), output, Tolerance);
    }

    [Theory]
    [InlineData("short")]
    [InlineData("len77")]
    public void Embeddings_equal_the_reference(string length)
    {
        using var scope = NewDisposeScope();
        using BertTextEncoder encoder = GoldenModel.TextEncoder(GoldenModel.TinyTaiyi);
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("text_encoder.safetensors"));
        var embeddings = GoldenModel.Submodule<nn.Module<Tensor, Tensor>>(encoder, "embeddings");

        Tensor output = embeddings.call(golden.Read($"{length}.input_ids"));

        Close.Assert(golden.Read($"{length}.embeddings"), output, Tolerance);
    }

    [Fact]
    public void A_text_longer_than_the_positions_is_refused()
    {
        using var scope = NewDisposeScope();
        using BertTextEncoder encoder = GoldenModel.TextEncoder(GoldenModel.TinyTaiyi);

        var error = Assert.Throws<ArgumentException>(() => encoder.call(zeros(1, 513, dtype: ScalarType.Int64)));

        Assert.Contains("(1, 513)", error.Message);
        Assert.Contains("at most 512", error.Message);
    }
}

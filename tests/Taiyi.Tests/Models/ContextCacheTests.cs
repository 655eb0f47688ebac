using Taiyi.Lora;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

/// <summary>What the text adds to a UNet call, computed once for many calls, and what comes before the text, once for both halves of guidance.</summary>
[NoTensorLeak]
public sealed class ContextCacheTests
{
    private const double Tolerance = 3e-5; // tests/Golden/README.md, UNet output

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Latents_given_once_for_two_captions_give_what_two_copies_give(int batch)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        (Tensor sample, Tensor context) = Inputs(unet, batch, captions: 2 * batch);

        Tensor once = unet.call(sample, tensor(981), context);

        Close.Assert(unet.call(cat([sample, sample]), full([2 * batch], 981, int64), context), once, Tolerance);
    }

    [Fact]
    public void Captions_that_cannot_be_shared_out_are_refused()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        (Tensor sample, Tensor context) = Inputs(unet, batch: 2, captions: 3);

        ArgumentException error = Assert.Throws<ArgumentException>(() => unet.call(sample, tensor(1), context));

        Assert.Contains("2 latents, 1 timesteps and 3 captions", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Remembered_keys_and_values_change_no_output_and_serve_one_context_alone()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        (Tensor sample, Tensor context) = Inputs(unet, batch: 2, captions: 2);
        (Tensor otherSample, Tensor otherContext) = (sample * 0.5, context.flip(1));
        Tensor[] expected = [unet.call(sample, tensor(9), context), unet.call(otherSample, tensor(8), context), unet.call(sample, tensor(9), otherContext)];

        using ContextCache cache = new(unet, context);

        Close.Assert(expected[0], unet.call(sample, tensor(9), context), 0);
        Close.Assert(expected[1], unet.call(otherSample, tensor(8), context), 0);
        Close.Assert(expected[2], unet.call(sample, tensor(9), otherContext), 0);
    }

    [Fact]
    public void The_projections_of_a_remembered_context_are_computed_once()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        (Tensor sample, Tensor context) = Inputs(unet, batch: 1, captions: 1);
        int calls = 0;
        GoldenModel.Submodule<Linear>(unet, "mid_block.attentions.0.transformer_blocks.0.attn2.to_v").register_forward_hook((_, _, output) =>
        {
            calls++;
            return output;
        });

        using (ContextCache cache = new(unet, context))
        {
            unet.call(sample, tensor(9), context);
            unet.call(sample, tensor(8), context);
            Assert.Equal(1, calls);
        }

        unet.call(sample, tensor(7), context);
        Assert.Equal(2, calls);
    }

    [Fact]
    public void A_LoRA_weight_changed_between_two_caches_takes_effect()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        (Tensor sample, Tensor context) = Inputs(unet, batch: 1, captions: 1);
        using LoraAdapter adapter = LoraAdapter.Load(unet, Repository.Golden("lora/pytorch_lora_weights.safetensors"), weight: 1);
        adapter.Weight = 0.5;
        Tensor expected = unet.call(sample, tensor(9), context);

        adapter.Weight = 1;
        using (ContextCache cache = new(unet, context))
        {
            Tensor strong = unet.call(sample, tensor(9), context);
            Close.AssertApart(strong, expected, 1e-3);
        }

        adapter.Weight = 0.5;
        using ContextCache next = new(unet, context);
        Close.Assert(expected, unet.call(sample, tensor(9), context), 0);
    }

    [Fact]
    public void A_LoRA_changed_while_keys_and_values_are_remembered_takes_effect_in_the_next_call()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi);
        (Tensor sample, Tensor context) = Inputs(unet, batch: 1, captions: 1);
        Tensor Remembered() => unet.call(sample, tensor(9), context);
        Tensor Anew() => unet.call(sample, tensor(9), context.alias()); // another tensor: nothing is remembered of it
        using ContextCache cache = new(unet, context);
        Tensor before = Remembered();

        LoraAdapter adapter = LoraAdapter.Load(unet, Repository.Golden("lora/pytorch_lora_weights.safetensors"), weight: 1);
        Close.Assert(Anew(), Remembered(), 0);
        Close.AssertApart(Remembered(), before, 1e-3);
        adapter.Weight = -0.5;
        Close.Assert(Anew(), Remembered(), 0);
        adapter.Merge();
        Close.Assert(Anew(), Remembered(), 0);
        adapter.Unmerge();
        adapter.Enabled = false;
        Close.Assert(before, Remembered(), 0);
        adapter.Enabled = true;
        Close.Assert(Anew(), Remembered(), 0);
        adapter.Dispose();
        Close.Assert(before, Remembered(), 0);
    }

    [Fact]
    public void In_bfloat16_too_remembered_and_shared_inputs_give_what_separate_ones_give()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi, ScalarType.BFloat16);
        (Tensor sample, Tensor context) = Inputs(unet, batch: 1, captions: 2);
        (sample, context) = (sample.bfloat16(), context.bfloat16());
        Tensor separate = unet.call(cat([sample, sample]), tensor(981), context);
        Tensor shared = unet.call(sample, tensor(981), context);
        using ContextCache cache = new(unet, context);

        Close.Assert(separate, shared, 0.05); // a batch of two may be summed in another order: 2^-8 of values to 2.2, a few times
        Close.Assert(shared, unet.call(sample, tensor(981), context), 0);
        Close.Assert(shared, unet.call(sample, tensor(981), context), 0);
    }

    private static (Tensor Sample, Tensor Context) Inputs(UNet2DConditionModel unet, int batch, int captions)
    {
        using Generator generator = new(7, CPU);
        return (
            randn([batch, unet.Config.InChannels, 8, 8], generator: generator),
            randn([captions, 5, unet.Config.CrossAttentionDim], generator: generator));
    }
}

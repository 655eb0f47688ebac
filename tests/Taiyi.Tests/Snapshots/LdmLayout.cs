using Taiyi.Models;

namespace Taiyi.Tests.Snapshots;

/// <summary>One tensor of an LDM checkpoint: its name there (without the network's prefix), its name in diffusers, its shape in LDM.</summary>
internal sealed record LdmTensor(string Ldm, string Diffusers, long[] Shape);

/// <summary>
/// The tensors of an LDM checkpoint in the order in which LDM's own constructors make them: <c>UNetModel</c> of
/// <c>openaimodel.py</c>, <c>Encoder</c> and <c>Decoder</c> of <c>model.py</c>, https://github.com/CompVis/latent-diffusion.
/// </summary>
internal sealed class LdmLayout
{
    private readonly List<LdmTensor> _tensors = [];

    public static IReadOnlyList<LdmTensor> UNet(UNet2DConditionConfig config)
    {
        LdmLayout layout = new();
        layout.AddUNet(config, [.. config.DownBlockTypes.Select(type => type == "CrossAttnDownBlock2D")]);
        return layout._tensors;
    }

    public static IReadOnlyList<LdmTensor> Vae(AutoencoderKLConfig config)
    {
        LdmLayout layout = new();
        layout.AddEncoder(config);
        layout.AddDecoder(config);
        int latent = config.LatentChannels;
        layout.Layer("quant_conv", "quant_conv", 2 * latent, 2 * latent, 1, 1);
        layout.Layer("post_quant_conv", "post_quant_conv", latent, latent, 1, 1);
        return layout._tensors;
    }

    // In LDM attention depends on the resolution alone, so that it is the same on both ways.
    private void AddUNet(UNet2DConditionConfig config, bool[] attention)
    {
        IReadOnlyList<int> channels = config.BlockOutChannels;
        int embed = 4 * channels[0], context = config.CrossAttentionDim, last = channels.Count - 1;
        Layer("time_embed.0", "time_embedding.linear_1", embed, channels[0]);
        Layer("time_embed.2", "time_embedding.linear_2", embed, embed);
        Layer("input_blocks.0.0", "conv_in", channels[0], config.InChannels, 3, 3);

        Stack<int> skips = new([channels[0]]);
        int now = channels[0];
        for (int level = 0; level <= last; level++)
        {
            for (int i = 0; i < config.LayersPerBlock; i++)
            {
                UNetBlock($"input_blocks.{skips.Count}", $"down_blocks.{level}", i, now, channels[level], attention[level]);
                now = channels[level];
                skips.Push(now);
            }

            if (level < last)
            {
                Layer($"input_blocks.{skips.Count}.0.op", $"down_blocks.{level}.downsamplers.0.conv", now, now, 3, 3);
                skips.Push(now);
            }
        }

        ResBlock("middle_block.0", "mid_block.resnets.0", now, now, embed);
        Transformer("middle_block.1", "mid_block.attentions.0", now, context);
        ResBlock("middle_block.2", "mid_block.resnets.1", now, now, embed);

        int total = skips.Count;
        for (int level = last; level >= 0; level--)
        {
            for (int i = 0; i <= config.LayersPerBlock; i++)
            {
                string block = $"output_blocks.{total - skips.Count}", path = $"up_blocks.{last - level}";
                UNetBlock(block, path, i, now + skips.Pop(), channels[level], attention[level]);
                now = channels[level];
                if (level > 0 && i == config.LayersPerBlock)
                {
                    Layer($"{block}.{(attention[level] ? 2 : 1)}.conv", $"{path}.upsamplers.0.conv", now, now, 3, 3);
                }
            }
        }

        Norm("out.0", "conv_norm_out", now);
        Layer("out.2", "conv_out", config.OutChannels, now, 3, 3);

        void UNetBlock(string ldm, string path, int index, int input, int output, bool hasAttention)
        {
            ResBlock($"{ldm}.0", $"{path}.resnets.{index}", input, output, embed);
            if (hasAttention)
            {
                Transformer($"{ldm}.1", $"{path}.attentions.{index}", output, context);
            }
        }
    }

    private void ResBlock(string ldm, string path, int input, int output, int embed)
    {
        Norm($"{ldm}.in_layers.0", $"{path}.norm1", input);
        Layer($"{ldm}.in_layers.2", $"{path}.conv1", output, input, 3, 3);
        Layer($"{ldm}.emb_layers.1", $"{path}.time_emb_proj", output, embed);
        Norm($"{ldm}.out_layers.0", $"{path}.norm2", output);
        Layer($"{ldm}.out_layers.3", $"{path}.conv2", output, output, 3, 3);
        if (input != output)
        {
            Layer($"{ldm}.skip_connection", $"{path}.conv_shortcut", output, input, 1, 1);
        }
    }

    private void Transformer(string ldm, string path, int channels, int context)
    {
        Norm($"{ldm}.norm", $"{path}.norm", channels);
        Layer($"{ldm}.proj_in", $"{path}.proj_in", channels, channels, 1, 1);
        ldm += ".transformer_blocks.0";
        string block = path + ".transformer_blocks.0";
        foreach ((string name, int width) in (IEnumerable<(string, int)>)[("attn1", channels), ("attn2", context)])
        {
            Weight($"{ldm}.{name}.to_q", $"{block}.{name}.to_q", channels, channels);
            Weight($"{ldm}.{name}.to_k", $"{block}.{name}.to_k", channels, width);
            Weight($"{ldm}.{name}.to_v", $"{block}.{name}.to_v", channels, width);
            Layer($"{ldm}.{name}.to_out.0", $"{block}.{name}.to_out.0", channels, channels);
        }

        Layer($"{ldm}.ff.net.0.proj", $"{block}.ff.net.0.proj", 8 * channels, channels);
        Layer($"{ldm}.ff.net.2", $"{block}.ff.net.2", channels, 4 * channels);
        Norm($"{ldm}.norm1", $"{block}.norm1", channels);
        Norm($"{ldm}.norm2", $"{block}.norm2", channels);
        Norm($"{ldm}.norm3", $"{block}.norm3", channels);
        Layer(ldm.Replace(".transformer_blocks.0", ".proj_out"), $"{path}.proj_out", channels, channels, 1, 1);
    }

    private void AddEncoder(AutoencoderKLConfig config)
    {
        IReadOnlyList<int> channels = config.BlockOutChannels;
        int now = channels[0], last = channels.Count - 1;
        Layer("encoder.conv_in", "encoder.conv_in", now, config.InChannels, 3, 3);
        for (int level = 0; level <= last; level++)
        {
            for (int i = 0; i < config.LayersPerBlock; i++)
            {
                VaeResnet($"encoder.down.{level}.block.{i}", $"encoder.down_blocks.{level}.resnets.{i}", now, channels[level]);
                now = channels[level];
            }

            if (level < last)
            {
                Layer($"encoder.down.{level}.downsample.conv", $"encoder.down_blocks.{level}.downsamplers.0.conv", now, now, 3, 3);
            }
        }

        VaeEnd("encoder", now, now, 2 * config.LatentChannels);
    }

    private void AddDecoder(AutoencoderKLConfig config)
    {
        IReadOnlyList<int> channels = config.BlockOutChannels;
        int last = channels.Count - 1, now = channels[last];
        Layer("decoder.conv_in", "decoder.conv_in", now, config.LatentChannels, 3, 3);
        for (int level = last; level >= 0; level--)
        {
            string path = $"decoder.up_blocks.{last - level}";
            for (int i = 0; i <= config.LayersPerBlock; i++)
            {
                VaeResnet($"decoder.up.{level}.block.{i}", $"{path}.resnets.{i}", now, channels[level]);
                now = channels[level];
            }

            if (level > 0)
            {
                Layer($"decoder.up.{level}.upsample.conv", $"{path}.upsamplers.0.conv", now, now, 3, 3);
            }
        }

        VaeEnd("decoder", channels[last], now, config.OutChannels);
    }

    private void VaeResnet(string ldm, string path, int input, int output)
    {
        Norm($"{ldm}.norm1", $"{path}.norm1", input);
        Layer($"{ldm}.conv1", $"{path}.conv1", output, input, 3, 3);
        Norm($"{ldm}.norm2", $"{path}.norm2", output);
        Layer($"{ldm}.conv2", $"{path}.conv2", output, output, 3, 3);
        if (input != output)
        {
            Layer($"{ldm}.nin_shortcut", $"{path}.conv_shortcut", output, input, 1, 1);
        }
    }

    private void VaeEnd(string half, int middle, int last, int output)
    {
        VaeResnet($"{half}.mid.block_1", $"{half}.mid_block.resnets.0", middle, middle);
        Norm($"{half}.mid.attn_1.norm", $"{half}.mid_block.attentions.0.group_norm", middle);
        foreach ((string ldm, string name) in (IEnumerable<(string, string)>)[("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0")])
        {
            Layer($"{half}.mid.attn_1.{ldm}", $"{half}.mid_block.attentions.0.{name}", middle, middle, 1, 1);
        }

        VaeResnet($"{half}.mid.block_2", $"{half}.mid_block.resnets.1", middle, middle);
        Norm($"{half}.norm_out", $"{half}.conv_norm_out", last);
        Layer($"{half}.conv_out", $"{half}.conv_out", output, last, 3, 3);
    }

    private void Norm(string ldm, string path, long channels)
    {
        Weight(ldm, path, channels);
        _tensors.Add(new($"{ldm}.bias", $"{path}.bias", [channels]));
    }

    private void Layer(string ldm, string path, params long[] shape)
    {
        Weight(ldm, path, shape);
        _tensors.Add(new($"{ldm}.bias", $"{path}.bias", [shape[0]]));
    }

    private void Weight(string ldm, string path, params long[] shape) =>
        _tensors.Add(new($"{ldm}.weight", $"{path}.weight", shape));
}

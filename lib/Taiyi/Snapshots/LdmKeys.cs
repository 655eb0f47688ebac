using Taiyi.Models;

namespace Taiyi.Snapshots;

/// <summary>
/// Names in a single checkpoint of latent diffusion (<c>.ckpt</c> with UNet, VAE and text encoder), and the current ones.
/// </summary>
/// <remarks>
/// LDM numbers the UNet's layers consecutively through all blocks: <c>ldm/modules/diffusionmodules/openaimodel.py</c> and
/// <c>model.py</c> of <c>https://github.com/CompVis/latent-diffusion</c>; the correspondence is that of diffusers,
/// <c>scripts/convert_original_stable_diffusion_to_diffusers.py</c>. A name that has no counterpart stays as it is, so
/// that strict loading reports it.
/// </remarks>
internal static class LdmKeys
{
    public const string UNetPrefix = "model.diffusion_model.";
    public const string VaePrefix = "first_stage_model.";
    public const string TextEncoderPrefix = "cond_stage_model.transformer.";

    /// <summary>The current name of a UNet tensor whose prefix is taken off.</summary>
    public static Func<string, string> UNet(UNet2DConditionConfig config) => Renamer(UNetModules(config));

    /// <summary>The current name of a VAE tensor whose prefix is taken off.</summary>
    public static Func<string, string> Vae(AutoencoderKLConfig config) => Renamer(VaeModules(config));

    private static Func<string, string> Renamer(Dictionary<string, string> modules) => name => Rename(name, modules);

    /// <summary>Replaces the longest leading path that names a module of the table.</summary>
    private static string Rename(string name, Dictionary<string, string> modules)
    {
        for (int end = name.LastIndexOf('.'); end > 0; end = name.LastIndexOf('.', end - 1))
        {
            if (modules.TryGetValue(name[..end], out string? module))
            {
                return module + name[end..];
            }
        }

        return name;
    }

    private static Dictionary<string, string> UNetModules(UNet2DConditionConfig config)
    {
        Dictionary<string, string> modules = new()
        {
            ["time_embed.0"] = "time_embedding.linear_1",
            ["time_embed.2"] = "time_embedding.linear_2",
            ["input_blocks.0.0"] = "conv_in",
            ["middle_block.1"] = "mid_block.attentions.0",
            ["out.0"] = "conv_norm_out",
            ["out.2"] = "conv_out",
        };
        AddUNetResnet(modules, "middle_block.0", "mid_block.resnets.0");
        AddUNetResnet(modules, "middle_block.2", "mid_block.resnets.1");
        AddDownBlocks(modules, config);
        AddUpBlocks(modules, config);
        return modules;
    }

    // Every resnet (with its attention, if there is one) and every downsampler is one input block; number 0 is the first convolution.
    private static void AddDownBlocks(Dictionary<string, string> modules, UNet2DConditionConfig config)
    {
        int number = 1;
        int last = config.DownBlockTypes.Count - 1;
        for (int block = 0; block <= last; block++)
        {
            string path = $"down_blocks.{block}";
            for (int layer = 0; layer < config.LayersPerBlock; layer++, number++)
            {
                AddUNetResnet(modules, $"input_blocks.{number}.0", $"{path}.resnets.{layer}");
                modules[$"input_blocks.{number}.1"] = $"{path}.attentions.{layer}";
            }

            if (block < last)
            {
                modules[$"input_blocks.{number++}.0.op"] = $"{path}.downsamplers.0.conv";
            }
        }
    }

    // The upsampler belongs to the output block of the last resnet, behind its attention if there is one.
    private static void AddUpBlocks(Dictionary<string, string> modules, UNet2DConditionConfig config)
    {
        int number = 0;
        int last = config.UpBlockTypes.Count - 1;
        for (int block = 0; block <= last; block++)
        {
            string path = $"up_blocks.{block}";
            for (int layer = 0; layer <= config.LayersPerBlock; layer++, number++)
            {
                AddUNetResnet(modules, $"output_blocks.{number}.0", $"{path}.resnets.{layer}");
                modules[$"output_blocks.{number}.1"] = $"{path}.attentions.{layer}";
            }

            if (block < last)
            {
                int place = config.UpBlockTypes[block] == "CrossAttnUpBlock2D" ? 2 : 1;
                modules[$"output_blocks.{number - 1}.{place}.conv"] = $"{path}.upsamplers.0.conv";
            }
        }
    }

    private static void AddUNetResnet(Dictionary<string, string> modules, string ldm, string path)
    {
        modules[$"{ldm}.in_layers.0"] = $"{path}.norm1";
        modules[$"{ldm}.in_layers.2"] = $"{path}.conv1";
        modules[$"{ldm}.emb_layers.1"] = $"{path}.time_emb_proj";
        modules[$"{ldm}.out_layers.0"] = $"{path}.norm2";
        modules[$"{ldm}.out_layers.3"] = $"{path}.conv2";
        modules[$"{ldm}.skip_connection"] = $"{path}.conv_shortcut";
    }

    private static Dictionary<string, string> VaeModules(AutoencoderKLConfig config)
    {
        Dictionary<string, string> modules = [];
        int last = config.BlockOutChannels.Count - 1;
        for (int block = 0; block <= last; block++)
        {
            // LDM counts the decoder's blocks by resolution, the full one first; they run in reverse.
            string down = $"encoder.down_blocks.{block}", up = $"decoder.up_blocks.{last - block}";
            for (int layer = 0; layer <= config.LayersPerBlock; layer++)
            {
                AddVaeResnet(modules, $"encoder.down.{block}.block.{layer}", $"{down}.resnets.{layer}");
                AddVaeResnet(modules, $"decoder.up.{block}.block.{layer}", $"{up}.resnets.{layer}");
            }

            modules[$"encoder.down.{block}.downsample.conv"] = $"{down}.downsamplers.0.conv";
            modules[$"decoder.up.{block}.upsample.conv"] = $"{up}.upsamplers.0.conv";
        }

        foreach (string half in (string[])["encoder", "decoder"])
        {
            modules[$"{half}.mid.block_1"] = $"{half}.mid_block.resnets.0";
            modules[$"{half}.mid.block_2"] = $"{half}.mid_block.resnets.1";
            modules[$"{half}.mid.attn_1.norm"] = $"{half}.mid_block.attentions.0.group_norm";
            modules[$"{half}.mid.attn_1.q"] = $"{half}.mid_block.attentions.0.to_q";
            modules[$"{half}.mid.attn_1.k"] = $"{half}.mid_block.attentions.0.to_k";
            modules[$"{half}.mid.attn_1.v"] = $"{half}.mid_block.attentions.0.to_v";
            modules[$"{half}.mid.attn_1.proj_out"] = $"{half}.mid_block.attentions.0.to_out.0";
            modules[$"{half}.norm_out"] = $"{half}.conv_norm_out";
        }

        return modules;
    }

    private static void AddVaeResnet(Dictionary<string, string> modules, string ldm, string path)
    {
        modules[ldm] = path; // norm1, conv1, norm2 and conv2 are called so in both
        modules[$"{ldm}.nin_shortcut"] = $"{path}.conv_shortcut";
    }
}

using System.Text.RegularExpressions;

namespace Taiyi.Lora;

/// <summary>What a tensor of a LoRA file is.</summary>
internal enum LoraPart
{
    /// <summary>A, "down".</summary>
    Down,

    /// <summary>B, "up".</summary>
    Up,

    /// <summary>α, a scalar.</summary>
    Alpha,
}

/// <summary>A file's key, understood: which UNet module, and which part of its update.</summary>
internal readonly record struct LoraKey(string Path, LoraPart Part);

/// <summary>The key names of each format, read and written.</summary>
internal static partial class LoraKeys
{
    // Everything in Stable Diffusion's UNet that has a weight lies below one of these.
    private const string UNetPath = @"(?<path>(?:down_blocks|mid_block|up_blocks|time_embedding|conv_in|conv_out)(?:\.\w+)*?)";

    /// <summary>Reads a key in the naming of one format; null if it is named otherwise or is no part of a UNet.</summary>
    public static LoraKey? Parse(string key, LoraFormat format)
    {
        Match match = Pattern(format).Match(key);
        if (!match.Success)
        {
            return null;
        }

        string? path = format switch
        {
            LoraFormat.OldDiffusers => $"{match.Groups["path"]}.{match.Groups["projection"].Value.Replace("to_out", "to_out.0")}",
            LoraFormat.Kohya => ParseKohyaPath(match.Groups["path"].Value),
            _ => match.Groups["path"].Value,
        };
        return path is null ? null : new LoraKey(path, ParsePart(match.Groups["part"].Value));
    }

    /// <summary>The name of a tensor in a format.</summary>
    public static string Write(string path, LoraPart part, LoraFormat format) => (format, part) switch
    {
        (LoraFormat.Diffusers, LoraPart.Down) => $"unet.{path}.lora.down.weight",
        (LoraFormat.Diffusers, LoraPart.Up) => $"unet.{path}.lora.up.weight",
        (LoraFormat.OldDiffusers, LoraPart.Down) => $"unet.{OldProcessorPath(path)}_lora.down.weight",
        (LoraFormat.OldDiffusers, LoraPart.Up) => $"unet.{OldProcessorPath(path)}_lora.up.weight",
        (LoraFormat.Peft, LoraPart.Down) => $"base_model.model.{path}.lora_A.weight",
        (LoraFormat.Peft, LoraPart.Up) => $"base_model.model.{path}.lora_B.weight",
        (LoraFormat.Kohya, LoraPart.Down) => $"lora_unet_{path.Replace('.', '_')}.lora_down.weight",
        (LoraFormat.Kohya, LoraPart.Up) => $"lora_unet_{path.Replace('.', '_')}.lora_up.weight",
        (LoraFormat.Kohya, LoraPart.Alpha) => $"lora_unet_{path.Replace('.', '_')}.alpha",
        _ => throw new ArgumentException($"The format {format} has no tensor for {part}."),
    };

    private static Regex Pattern(LoraFormat format) => format switch
    {
        LoraFormat.Diffusers => DiffusersKey(),
        LoraFormat.OldDiffusers => OldDiffusersKey(),
        LoraFormat.Peft => PeftKey(),
        _ => KohyaKey(),
    };

    private static LoraPart ParsePart(string part) => part switch
    {
        "down" or "A" => LoraPart.Down,
        "up" or "B" => LoraPart.Up,
        _ => LoraPart.Alpha,
    };

    // Kohya writes '_' for '.', though module names hold '_' themselves: the known names are found again, longest first.
    private static string? ParseKohyaPath(string name)
    {
        Match match = KohyaPath().Match(name);
        return match.Success ? string.Join('.', match.Groups["name"].Captures.Select(capture => capture.Value)) : null;
    }

    private static string OldProcessorPath(string path)
    {
        Match match = AttentionProjection().Match(path);
        return match.Success
            ? $"{match.Groups["attention"]}.processor.{match.Groups["projection"]}"
            : throw new ArgumentException(
                $"The older diffusers format holds attention projections alone (to_q, to_k, to_v, to_out.0), and this LoRA changes '{path}': write it in another format.");
    }

    [GeneratedRegex(@"^(?:unet\.)?" + UNetPath + @"\.(?:lora\.(?<part>down|up)\.weight|lora_(?<part>A|B)\.weight|(?<part>alpha))$")]
    private static partial Regex DiffusersKey();

    [GeneratedRegex(@"^(?:unet\.)?" + UNetPath + @"\.processor\.(?<projection>to_q|to_k|to_v|to_out)_lora\.(?<part>down|up)\.weight$")]
    private static partial Regex OldDiffusersKey();

    [GeneratedRegex(@"^base_model\.model\." + UNetPath + @"\.lora_(?<part>A|B)\.weight$")]
    private static partial Regex PeftKey();

    [GeneratedRegex(@"^lora_unet_(?<path>\w+)\.(?:lora_(?<part>down|up)\.weight|(?<part>alpha))$")]
    private static partial Regex KohyaKey();

    [GeneratedRegex(@"^(?=down_blocks|mid_block|up_blocks|time_embedding|conv_in|conv_out)(?:(?:^|_)(?<name>"
        + @"down_blocks|mid_block|up_blocks|downsamplers|upsamplers|attentions|resnets|transformer_blocks|attn1|attn2|"
        + @"to_q|to_k|to_v|to_out|ff|net|proj_in|proj_out|proj|conv_in|conv_out|conv_shortcut|conv1|conv2|conv|"
        + @"time_emb_proj|time_embedding|linear_1|linear_2|\d+))+$")]
    private static partial Regex KohyaPath();

    [GeneratedRegex(@"^(?<attention>.+\.attn\d)\.(?:(?<projection>to_q|to_k|to_v)|(?<projection>to_out)\.0)$")]
    private static partial Regex AttentionProjection();
}

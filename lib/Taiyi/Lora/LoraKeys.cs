using System.Text.RegularExpressions;

namespace Taiyi.Lora;

/// <summary>A file's key, understood.</summary>
/// <param name="Path">The UNet module, such as <c>mid_block.resnets.0.conv1</c>.</param>
/// <param name="Part">Which tensor of its update: <see cref="LoraKeys.Down"/>, …, or a name of LyCORIS such as <c>hada_w1_a</c>.</param>
/// <param name="Format">The naming; where a key may be of several, the one that the known format shares.</param>
internal readonly record struct LoraKey(string Path, string Part, LoraFormat Format);

/// <summary>The key names of each format, read and written. Every key is read by itself: a file may mix them.</summary>
internal static partial class LoraKeys
{
    /// <summary>A, "down".</summary>
    public const string Down = "down";

    /// <summary>B, "up".</summary>
    public const string Up = "up";

    /// <summary>LyCORIS' matrix between the two.</summary>
    public const string Middle = "mid";

    /// <summary>DoRA's m, a value for each output or input.</summary>
    public const string Magnitude = "magnitude";

    /// <summary>The name of m in PEFT's files.</summary>
    public const string PeftMagnitude = "lora_magnitude_vector";

    /// <summary>The name of m in LyCORIS' files, kohya's and OneTrainer's.</summary>
    public const string LycorisMagnitude = "dora_scale";

    /// <summary>α, a scalar.</summary>
    public const string Alpha = "alpha";

    // Everything in Stable Diffusion's UNet that has a weight lies below one of these, in diffusers' or latent diffusion's names.
    private const string UNetRoots = "down_blocks|mid_block|up_blocks|time_embedding|conv_in|conv_out|input_blocks|middle_block|output_blocks|time_embed|out";

    private const string Dotted = @"^(?:base_model\.model\.)?(?:unet\.|(?:model\.)?diffusion_model\.)?(?<path>(?:" + UNetRoots + @")(?:\.\w+)*?)\.";

    // An adapter's name, such as ".default" or ".default_0", may stand before ".weight" in PEFT's keys.
    private const string PartNames = @"(?:lora[._](?<part>down|up|mid)(?:\.\w+)?\.weight|lora_(?<part>A|B)(?:\.\w+)?\.weight"
        + @"|(?<part>" + PeftMagnitude + @")(?:\.\w+){0,2}|(?<part>alpha|" + LycorisMagnitude + @"|(?:hada|lokr)_\w+))$";

    /// <summary>Reads a key of any naming; null if it is no part of a UNet's LoRA.</summary>
    /// <param name="key">The tensor's name in the file.</param>
    /// <param name="fromLdm">Turns latent diffusion's path of a module into diffusers' path, or null where there is none.</param>
    public static LoraKey? Parse(string key, Func<string, string?> fromLdm)
    {
        if (OldDiffusersKey().Match(key) is { Success: true } old)
        {
            return new($"{old.Groups["path"]}.{old.Groups["projection"].Value.Replace("to_out", "to_out.0")}", old.Groups["part"].Value, LoraFormat.OldDiffusers);
        }

        Match match = DottedKey().Match(key);
        bool isKohya = !match.Success;
        match = isKohya ? KohyaKey().Match(key) : match;
        string? path = !match.Success ? null : isKohya ? ParseKohyaPath(match.Groups["path"].Value) : match.Groups["path"].Value;
        path = path is not null && LdmPath().IsMatch(path) ? fromLdm(path) : path;
        return path is null ? null : new(path, ParsePart(match.Groups["part"].Value), FormatOf(key, isKohya));
    }

    /// <summary>Whether a key names a module of the UNet and a tensor that <see cref="Parse"/> does not know: another kind of adapter.</summary>
    public static bool IsUnknownPart(string key, Func<string, string?> fromLdm) =>
        UnknownKey().Match(key) is { Success: true } match && Parse(key, fromLdm) is null
        && (!match.Groups["kohya"].Success || ParseKohyaPath(match.Groups["kohya"].Value) is not null)
        && !OldDiffusersKey().IsMatch(key) && !DottedKey().IsMatch(key) && !KohyaKey().IsMatch(key);

    /// <summary>The name of a tensor in a format.</summary>
    /// <param name="path">The module.</param>
    /// <param name="part"><see cref="Down"/>, <see cref="Up"/>, <see cref="Magnitude"/> or <see cref="Alpha"/>.</param>
    /// <param name="format">The format.</param>
    /// <param name="asPeft">Whether diffusers' format gets PEFT's <c>lora_A</c> and <c>lora_B</c>.</param>
    public static string Write(string path, string part, LoraFormat format, bool asPeft = false) => (format, part) switch
    {
        (LoraFormat.Diffusers, Down or Up) => asPeft ? $"unet.{path}.lora_{(part == Down ? 'A' : 'B')}.weight" : $"unet.{path}.lora.{part}.weight",
        (LoraFormat.OldDiffusers, Down or Up) => $"unet.{OldProcessorPath(path)}_lora.{part}.weight",
        (LoraFormat.Peft, Down or Up) => $"base_model.model.{path}.lora_{(part == Down ? 'A' : 'B')}.weight",
        (LoraFormat.Kohya, Down or Up) => $"lora_unet_{path.Replace('.', '_')}.lora_{part}.weight",
        (LoraFormat.Diffusers, Magnitude) => $"unet.{path}.{PeftMagnitude}",
        (LoraFormat.Peft, Magnitude) => $"base_model.model.{path}.{PeftMagnitude}",
        (LoraFormat.Kohya, Magnitude) => $"lora_unet_{path.Replace('.', '_')}.{LycorisMagnitude}",
        (LoraFormat.Kohya, Alpha) => $"lora_unet_{path.Replace('.', '_')}.alpha",
        _ => throw new ArgumentException($"The format {format} has no tensor for {part}."),
    };

    // ComfyUI writes kohya's tensors, alpha included, below "diffusion_model.".
    private static LoraFormat FormatOf(string key, bool isKohya) =>
        isKohya || key.Contains("diffusion_model.", StringComparison.Ordinal) ? LoraFormat.Kohya
        : key.StartsWith("base_model.", StringComparison.Ordinal) ? LoraFormat.Peft
        : LoraFormat.Diffusers;

    private static string ParsePart(string part) => part switch
    {
        "A" => Down,
        "B" => Up,
        PeftMagnitude or LycorisMagnitude => Magnitude,
        _ => part,
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

    [GeneratedRegex(Dotted + PartNames)]
    private static partial Regex DottedKey();

    [GeneratedRegex(Dotted + @"processor\.(?<projection>to_q|to_k|to_v|to_out)_lora\.(?<part>down|up)\.weight$")]
    private static partial Regex OldDiffusersKey();

    [GeneratedRegex(@"^(?:lora_unet|lycoris(?:_unet)?)_(?<path>\w+)\." + PartNames)]
    private static partial Regex KohyaKey();

    [GeneratedRegex(@"^(?:(?:lora_unet|lycoris(?:_unet)?)_(?<kohya>\w+)|(?:base_model\.model\.)?(?:unet\.|(?:model\.)?diffusion_model\.)?(?:" + UNetRoots + @"))\.")]
    private static partial Regex UnknownKey();

    [GeneratedRegex(@"^(?:input_blocks|middle_block|output_blocks|time_embed|out)\.")]
    private static partial Regex LdmPath();

    [GeneratedRegex("^(?=" + UNetRoots + ")(?:(?:^|_)(?<name>"
        + @"down_blocks|mid_block|up_blocks|downsamplers|upsamplers|attentions|resnets|transformer_blocks|attn1|attn2|"
        + @"to_q|to_k|to_v|to_out|ff|net|proj_in|proj_out|proj|conv_in|conv_out|conv_shortcut|conv1|conv2|conv|"
        + @"time_emb_proj|time_embedding|linear_1|linear_2|"
        + @"input_blocks|middle_block|output_blocks|time_embed|in_layers|emb_layers|out_layers|skip_connection|op|out|\d+))+$")]
    private static partial Regex KohyaPath();

    [GeneratedRegex(@"^(?<attention>.+\.attn\d)\.(?:(?<projection>to_q|to_k|to_v)|(?<projection>to_out)\.0)$")]
    private static partial Regex AttentionProjection();
}

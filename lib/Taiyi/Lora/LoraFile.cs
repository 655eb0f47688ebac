using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Snapshots;
using static TorchSharp.torch;

namespace Taiyi.Lora;

/// <summary>The matrices of a LoRA file, of whatever format, by the path of the UNet module that they change.</summary>
/// <remarks>The tensors stay as the file has them, dtype and bits, so that a conversion loses nothing.</remarks>
public sealed class LoraFile : IDisposable
{
    /// <summary>The file name that diffusers looks for, and this library's default.</summary>
    public const string DefaultFileName = "pytorch_lora_weights.safetensors";

    private static readonly string[] FileNames = [DefaultFileName, LoraFileWriter.PeftFileName, "pytorch_lora_weights.bin", "adapter_model.bin"];

    /// <summary>What a LoRA of a path is called: <c>runs/emoji/pytorch_lora_weights.safetensors</c> is emoji, <c>poster.safetensors</c> poster.</summary>
    internal static string NameOf(string path) => FileNames.Contains(System.IO.Path.GetFileName(path)) && System.IO.Path.GetFileName(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))) is { Length: > 0 } folder
        ? folder
        : System.IO.Path.GetFileNameWithoutExtension(path);

    private LoraFile(
        string path, LoraFormat format, SortedDictionary<string, LoraMatrices> modules, IReadOnlyList<string> unmatchedKeys, IReadOnlyList<string> warnings, LoraMetadata? metadata)
    {
        Path = path;
        Format = format;
        Modules = modules;
        UnmatchedKeys = unmatchedKeys;
        Warnings = warnings;
        Config = new LoraConfig
        {
            Rank = (int)MostCommon(modules.Values.Select(m => m.Rank)),
            Alpha = MostCommon(modules.Values.Select(m => m.Alpha)),
            Dropout = metadata?.Dropout ?? 0,
            TargetModules = metadata?.TargetModules ?? [.. modules.Keys],
        };
    }

    /// <summary>The file that was read.</summary>
    public string Path { get; }

    /// <summary>The format, recognised by the keys: that of most of them, where a file mixes several.</summary>
    public LoraFormat Format { get; }

    /// <summary>The matrices by module path, such as <c>mid_block.attentions.0.transformer_blocks.0.attn1.to_q</c>, in ordinal order.</summary>
    public IReadOnlyDictionary<string, LoraMatrices> Modules { get; }

    /// <summary>Keys that are no part of a UNet's LoRA, such as a text encoder's (<c>lora_te_…</c>), which Taiyi cannot use.</summary>
    public IReadOnlyList<string> UnmatchedKeys { get; }

    /// <summary>What the file leaves open and what was assumed, a sentence each; tell the user.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>The most common rank and alpha; dropout and targets where the file says them, else 0 and all paths.</summary>
    public LoraConfig Config { get; }

    /// <summary>Reads a LoRA of any known format, from safetensors or a pickled <c>.bin</c>.</summary>
    /// <param name="path">The file, or the folder that holds it under a usual name.</param>
    /// <param name="layout">
    /// The UNet's settings, which latent diffusion's block numbers depend on (<c>input_blocks.1.1</c>); Stable Diffusion 1's if null.
    /// </param>
    /// <returns>The matrices in CPU memory; dispose of them.</returns>
    /// <exception cref="CheckpointException">
    /// The file is missing or broken, is no LoRA for a UNet, of an unknown kind, or holds NaN or infinity: the key is named.
    /// </exception>
    public static LoraFile Read(string path, UNet2DConditionConfig? layout = null)
    {
        path = Directory.Exists(path) ? FindIn(path) : path;
        using IStateDictFile file = StateDictFile.Open(path);
        Func<string, string?> fromLdm = FromLdm(layout ?? new UNet2DConditionConfig());
        SortedDictionary<string, Dictionary<string, string>> keys = new(StringComparer.Ordinal);
        List<string> unmatched = [];
        List<LoraFormat> formats = [];
        foreach (string key in file.Tensors.Keys)
        {
            if (LoraKeys.Parse(key, fromLdm) is not LoraKey parsed)
            {
                unmatched.Add(key);
                continue;
            }

            formats.Add(parsed.Format);
            Dictionary<string, string> parts = keys.TryGetValue(parsed.Path, out var known) ? known : keys[parsed.Path] = [];
            if (!parts.TryAdd(parsed.Part, key))
            {
                throw new CheckpointException($"The LoRA '{path}' holds one matrix twice: '{parts[parsed.Part]}' and '{key}'.");
            }
        }

        RefuseStrangers(file, formats.Count, unmatched, fromLdm);
        LoraMetadata? metadata = ReadMetadata(file, formats.Contains(LoraFormat.Peft));
        (SortedDictionary<string, LoraMatrices> modules, int guessed) = ReadModules(file, keys, metadata);
        return new LoraFile(path, MostCommon(formats), modules, unmatched, Warn(path, guessed, modules.Count), metadata);
    }

    /// <summary>Writes an adapter's matrices, float32. The file appears under its name only when it is complete.</summary>
    /// <param name="path">A <c>.safetensors</c> file, or a folder, in which the file gets the usual name of its format.</param>
    /// <param name="adapter">The adapter; merged or not makes no difference.</param>
    /// <param name="format">How the tensors are named; PEFT also gets its <c>adapter_config.json</c>.</param>
    /// <returns>The path of the written file.</returns>
    /// <exception cref="ArgumentException">The format cannot hold one of the modules.</exception>
    public static string Write(string path, LoraAdapter adapter, LoraFormat format = LoraFormat.Diffusers)
    {
        Dictionary<string, LoraMatrices> modules = adapter.Layers.ToDictionary(
            layer => layer.Key, layer => new LoraMatrices(layer.Value.A, layer.Value.B, layer.Value.Alpha, "", "") { Magnitude = layer.Value.Magnitude });
        return LoraFileWriter.Write(path, adapter.Config, modules, format);
    }

    /// <summary>Writes the same matrices, bit by bit, in another format.</summary>
    /// <param name="path">A <c>.safetensors</c> file, or a folder, in which the file gets the usual name of its format.</param>
    /// <param name="source">A file that was read; its <see cref="UnmatchedKeys"/> are not written.</param>
    /// <param name="format">How the tensors are named; PEFT also gets its <c>adapter_config.json</c>.</param>
    /// <returns>The path of the written file.</returns>
    /// <exception cref="ArgumentException">The format cannot hold one of the modules.</exception>
    public static string Write(string path, LoraFile source, LoraFormat format = LoraFormat.Diffusers) =>
        LoraFileWriter.Write(path, source.Config, source.Modules, format);

    /// <summary>The files that <see cref="Write(string, LoraFile, LoraFormat)"/> makes at a path, older ones being replaced: the weights, and PEFT's settings beside them.</summary>
    /// <param name="path">A .safetensors file, or a folder.</param>
    /// <param name="format">The format.</param>
    public static IReadOnlyList<string> NamesAt(string path, LoraFormat format) => LoraFileWriter.NamesAt(path, format);

    /// <summary>Frees the matrices.</summary>
    public void Dispose()
    {
        foreach (Tensor tensor in Modules.Values.SelectMany(matrices => matrices.Tensors))
        {
            tensor.Dispose();
        }
    }

    private static string FindIn(string folder) =>
        FileNames.Select(name => System.IO.Path.Combine(folder, name)).FirstOrDefault(File.Exists)
        ?? throw new CheckpointException($"No LoRA in the folder '{folder}': name the file, or put one there as {string.Join(", ", FileNames)}.");

    /// <summary>Latent diffusion's path of a module to diffusers' path; null where the layout has no such module.</summary>
    private static Func<string, string?> FromLdm(UNet2DConditionConfig layout)
    {
        const string weight = ".weight";
        Func<string, string> rename = LdmKeys.UNet(layout);
        return path =>
        {
            string name = rename(path + weight)[..^weight.Length];
            return name == path ? null : name;
        };
    }

    private static void RefuseStrangers(IStateDictFile file, int count, List<string> unmatched, Func<string, string?> fromLdm)
    {
        // A whole model has such keys too, "down_blocks.….weight": it is told of below.
        string? unknown = unmatched.FirstOrDefault(key => LoraKeys.IsUnknownPart(key, fromLdm));
        bool isAdapter = count > 0 || (unknown is not null && !unmatched.Any(key => key.EndsWith("conv_in.weight", StringComparison.Ordinal)));
        if (unknown is not null && isAdapter)
        {
            throw UpdateKind.Unknown(file.Path, unknown);
        }

        if (count == 0)
        {
            throw new CheckpointException(
                $"'{file.Path}' is no LoRA for a Stable Diffusion UNet: none of its {file.Tensors.Count} keys fits, such as '{file.Tensors.Keys.FirstOrDefault()}'. "
                + "Known are diffusers (unet.….lora.down.weight), older diffusers (unet.….processor.to_q_lora.down.weight), "
                + "PEFT (base_model.model.….lora_A.weight), kohya (lora_unet_….lora_down.weight) and ComfyUI (diffusion_model.….lora_up.weight).");
        }
    }

    private static LoraMetadata? ReadMetadata(IStateDictFile file, bool isPeft)
    {
        if (file.Metadata.TryGetValue(LoraMetadata.Key, out string? json))
        {
            return LoraMetadata.Parse(json, file.Path);
        }

        string beside = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(file.Path))!, LoraFileWriter.PeftConfigName);
        return isPeft && File.Exists(beside) ? LoraMetadata.Parse(ReadText(beside), beside) : null;
    }

    private static string ReadText(string path)
    {
        try
        {
            return TextFile.Read(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new CheckpointException($"The LoRA settings beside the weights cannot be read: {error.Message}", error);
        }
    }

    private static (SortedDictionary<string, LoraMatrices> Modules, int Guessed) ReadModules(
        IStateDictFile file, SortedDictionary<string, Dictionary<string, string>> keys, LoraMetadata? metadata)
    {
        using var scope = NewDisposeScope();
        SortedDictionary<string, LoraMatrices> modules = new(StringComparer.Ordinal);
        int guessed = 0;
        foreach ((string path, Dictionary<string, string> own) in keys)
        {
            ModuleParts parts = new(file, path, own, metadata);
            modules.Add(path, UpdateKind.Read(parts));
            guessed += parts.LacksAlpha ? 1 : 0;
        }

        foreach (Tensor tensor in modules.Values.SelectMany(matrices => matrices.Tensors))
        {
            tensor.DetachFromDisposeScope();
        }

        return (modules, guessed);
    }

    private static string[] Warn(string path, int guessed, int count) => guessed == 0 ? [] :
    [
        $"'{path}' does not say alpha for {(guessed == count ? $"any of its {count}" : $"{guessed} of its {count}")} modules (in tensors .alpha, in its metadata, or in {LoraFileWriter.PeftConfigName} "
        + "beside it): alpha = rank was taken, a scale of 1. If it was trained with another, give alpha / rank as its weight, such as FILE:2.",
    ];

    private static T MostCommon<T>(IEnumerable<T> values)
        where T : notnull => values.CountBy(value => value).MaxBy(count => count.Value).Key;
}

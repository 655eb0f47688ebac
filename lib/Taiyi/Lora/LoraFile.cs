using Taiyi.Files;
using static TorchSharp.torch;

namespace Taiyi.Lora;

/// <summary>The matrices of a LoRA file, of whatever format, by the path of the UNet module that they change.</summary>
/// <remarks>The tensors stay as the file has them, dtype and bits, so that a conversion loses nothing.</remarks>
public sealed class LoraFile : IDisposable
{
    /// <summary>The file name that diffusers looks for, and this library's default.</summary>
    public const string DefaultFileName = "pytorch_lora_weights.safetensors";

    private static readonly string[] FileNames = [DefaultFileName, LoraFileWriter.PeftFileName, "pytorch_lora_weights.bin", "adapter_model.bin"];

    private LoraFile(string path, LoraFormat format, SortedDictionary<string, LoraMatrices> modules, IReadOnlyList<string> unmatchedKeys, LoraMetadata? metadata)
    {
        Path = path;
        Format = format;
        Modules = modules;
        UnmatchedKeys = unmatchedKeys;
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

    /// <summary>The format, recognised by the keys.</summary>
    public LoraFormat Format { get; }

    /// <summary>The matrices by module path, such as <c>mid_block.attentions.0.transformer_blocks.0.attn1.to_q</c>, in ordinal order.</summary>
    public IReadOnlyDictionary<string, LoraMatrices> Modules { get; }

    /// <summary>Keys that are no part of a UNet's LoRA, such as a text encoder's (<c>lora_te_…</c>), which Taiyi cannot use.</summary>
    public IReadOnlyList<string> UnmatchedKeys { get; }

    /// <summary>The most common rank and alpha; dropout and targets where the file says them, else 0 and all paths.</summary>
    public LoraConfig Config { get; }

    /// <summary>Reads a LoRA of any known format, from safetensors or a pickled <c>.bin</c>.</summary>
    /// <param name="path">The file, or the folder that holds it under a usual name.</param>
    /// <returns>The matrices in CPU memory; dispose of them.</returns>
    /// <exception cref="CheckpointException">The file is missing or broken, is no LoRA for a UNet, or of an unsupported kind (DoRA, LoHa, LoKr).</exception>
    public static LoraFile Read(string path)
    {
        path = Directory.Exists(path) ? FindIn(path) : path;
        using IStateDictFile file = StateDictFile.Open(path);
        LoraFormat format = Recognize(file);
        Dictionary<LoraKey, string> keys = [];
        List<string> unmatched = [];
        foreach (string key in file.Tensors.Keys)
        {
            if (LoraKeys.Parse(key, format) is not LoraKey parsed)
            {
                unmatched.Add(key);
            }
            else if (!keys.TryAdd(parsed, key))
            {
                throw new CheckpointException($"The LoRA '{path}' holds one matrix twice: '{keys[parsed]}' and '{key}'.");
            }
        }

        using var scope = NewDisposeScope();
        LoraMetadata? metadata = ReadMetadata(file, format);
        SortedDictionary<string, LoraMatrices> modules = new(StringComparer.Ordinal);
        foreach (string module in keys.Keys.Select(key => key.Path).Distinct())
        {
            modules.Add(module, ReadModule(file, keys, module, metadata));
        }

        foreach (LoraMatrices matrices in modules.Values)
        {
            matrices.Down.DetachFromDisposeScope();
            matrices.Up.DetachFromDisposeScope();
        }

        return new LoraFile(path, format, modules, unmatched, metadata);
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
            layer => layer.Key, layer => new LoraMatrices(layer.Value.A, layer.Value.B, layer.Value.Alpha, "", ""));
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

    /// <summary>Frees the matrices.</summary>
    public void Dispose()
    {
        foreach (LoraMatrices matrices in Modules.Values)
        {
            matrices.Down.Dispose();
            matrices.Up.Dispose();
        }
    }

    private static string FindIn(string folder) =>
        FileNames.Select(name => System.IO.Path.Combine(folder, name)).FirstOrDefault(File.Exists)
        ?? throw new CheckpointException($"No LoRA in the folder '{folder}': name the file, or put one there as {string.Join(", ", FileNames)}.");

    private static LoraFormat Recognize(IStateDictFile file)
    {
        string? unsupported = file.Tensors.Keys.FirstOrDefault(key =>
            key.Contains("lora_magnitude_vector") || key.Contains("dora_scale") || key.Contains(".hada_w") || key.Contains(".lokr_w") || key.Contains(".lora_mid."));
        if (unsupported is not null)
        {
            throw new CheckpointException($"'{file.Path}' holds '{unsupported}': DoRA, LoHa, LoKr and Tucker adapters compute something else than W + (alpha/r) B A. Use a plain LoRA.");
        }

        (LoraFormat format, int count) = Enum.GetValues<LoraFormat>()
            .Select(format => (format, file.Tensors.Keys.Count(key => LoraKeys.Parse(key, format) is not null)))
            .MaxBy(candidate => candidate.Item2);
        return count > 0 ? format : throw new CheckpointException(
            $"'{file.Path}' is no LoRA for a Stable Diffusion UNet: none of its {file.Tensors.Count} keys fits, such as '{file.Tensors.Keys.FirstOrDefault()}'. "
            + "Known are diffusers (unet.….lora.down.weight), older diffusers (unet.….processor.to_q_lora.down.weight), "
            + "PEFT (base_model.model.….lora_A.weight) and kohya (lora_unet_….lora_down.weight).");
    }

    private static LoraMetadata? ReadMetadata(IStateDictFile file, LoraFormat format)
    {
        if (file.Metadata.TryGetValue(LoraMetadata.Key, out string? json))
        {
            return LoraMetadata.Parse(json, file.Path);
        }

        string beside = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(file.Path))!, LoraFileWriter.PeftConfigName);
        return format == LoraFormat.Peft && File.Exists(beside) ? LoraMetadata.Parse(File.ReadAllText(beside), beside) : null;
    }

    private static LoraMatrices ReadModule(IStateDictFile file, Dictionary<LoraKey, string> keys, string module, LoraMetadata? metadata)
    {
        if (!keys.TryGetValue(new(module, LoraPart.Down), out string? downKey) || !keys.TryGetValue(new(module, LoraPart.Up), out string? upKey))
        {
            string present = keys.First(key => key.Key.Path == module).Value;
            throw new CheckpointException($"The LoRA '{file.Path}' has '{present}', but not both matrices (down and up, or A and B) of its module: the file is incomplete.");
        }

        Tensor down = file.Read(downKey), up = file.Read(upKey);
        bool isPair = down.dim() is 2 or 4 && up.dim() == down.dim() && down.shape[0] == up.shape[1] && down.shape[0] > 0;
        if (!isPair || !down.is_floating_point() || !up.is_floating_point())
        {
            throw new CheckpointException(
                $"In the LoRA '{file.Path}', '{downKey}' is {TensorInfo.FormatShape(down.shape)} {down.dtype} and '{upKey}' {TensorInfo.FormatShape(up.shape)} {up.dtype}: "
                + "they must be (r, in) and (out, r) of one rank r, in a float dtype.");
        }

        double alpha = keys.TryGetValue(new(module, LoraPart.Alpha), out string? alphaKey)
            ? ReadAlpha(file, alphaKey, down.shape[0])
            : metadata?.AlphaOf(module, down.shape[0]) ?? down.shape[0];
        return new LoraMatrices(down, up, alpha, downKey, upKey);
    }

    private static double ReadAlpha(IStateDictFile file, string key, long rank)
    {
        using Tensor tensor = file.Read(key);
        double alpha = tensor.numel() == 1 ? tensor.to(ScalarType.Float64).reshape(1)[0].item<double>() : double.NaN;
        if (!double.IsFinite(alpha))
        {
            throw new CheckpointException($"In the LoRA '{file.Path}', '{key}' must be one finite number.");
        }

        // kohya's networks/lora.py takes an alpha of 0 for the rank.
        return alpha == 0 ? rank : alpha;
    }

    private static T MostCommon<T>(IEnumerable<T> values)
        where T : notnull => values.CountBy(value => value).MaxBy(count => count.Value).Key;
}

using System.Globalization;
using Taiyi.Files;
using static TorchSharp.torch;

namespace Taiyi.Lora;

/// <summary>Writes the matrices of a LoRA under the names of one format.</summary>
internal static class LoraFileWriter
{
    /// <summary>The name of PEFT's weight file.</summary>
    public const string PeftFileName = "adapter_model.safetensors";

    /// <summary>The name of the file with PEFT's settings, in the folder of the weights.</summary>
    public const string PeftConfigName = "adapter_config.json";

    /// <summary>Writes the file, and PEFT's settings beside it.</summary>
    /// <returns>The path of the file.</returns>
    public static string Write(string path, LoraConfig config, IReadOnlyDictionary<string, LoraMatrices> modules, LoraFormat format)
    {
        // Names first: a format that cannot hold a module leaves no file behind.
        using var scope = NewDisposeScope();
        RefuseDecomposition(modules, format);
        // diffusers keeps A and B of convolutions and of DoRA under PEFT's names alone, and drops the older ones of a file that has both.
        bool asPeft = format == LoraFormat.Diffusers && modules.Values.Any(m => m.Down.dim() == 4 || m.Magnitude is not null);
        List<KeyValuePair<string, Tensor>> tensors = [.. modules.OrderBy(m => m.Key, StringComparer.Ordinal).SelectMany(m => Name(m.Key, m.Value, format, asPeft))];
        IReadOnlyList<string> files = NamesAt(path, format);
        string file = files[0];
        if (format == LoraFormat.Peft)
        {
            AtomicWrite.Text(files[1], LoraMetadata.Write(config, modules, prefix: ""));
        }

        SafetensorsFile.Write(file, tensors, Metadata(config, modules, format));
        return file;
    }

    /// <summary>The files that are written at a path: the weights, and PEFT's settings beside them.</summary>
    public static IReadOnlyList<string> NamesAt(string path, LoraFormat format)
    {
        string file = path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)
            ? path
            : Path.Combine(path, format == LoraFormat.Peft ? PeftFileName : LoraFile.DefaultFileName);
        return format == LoraFormat.Peft ? [file, Path.Combine(Path.GetDirectoryName(file)!, PeftConfigName)] : [file];
    }

    private static IEnumerable<KeyValuePair<string, Tensor>> Name(string path, LoraMatrices matrices, LoraFormat format, bool asPeft)
    {
        yield return new(LoraKeys.Write(path, LoraKeys.Down, format, asPeft), matrices.Down);
        yield return new(LoraKeys.Write(path, LoraKeys.Up, format, asPeft), matrices.Up);
        if (matrices.Magnitude is { } magnitude)
        {
            yield return new(LoraKeys.Write(path, LoraKeys.Magnitude, format), Shaped(magnitude, matrices.Down, format));
        }

        if (format == LoraFormat.Kohya)
        {
            yield return new(LoraKeys.Write(path, LoraKeys.Alpha, format), tensor((float)matrices.Alpha));
        }
    }

    // LyCORIS: (out, 1) and (1, in), with the sides of a kernel behind; PEFT: (out), and (1, out, 1, 1) beside a convolution.
    private static Tensor Shaped(Tensor magnitude, Tensor down, LoraFormat format)
    {
        long[] kernel = [.. down.shape[2..].Select(_ => 1L)];
        return format == LoraFormat.Kohya ? magnitude.reshape([.. magnitude.shape, .. kernel])
            : magnitude.reshape(kernel.Length == 0 ? [magnitude.shape[0]] : [1, magnitude.shape[0], .. kernel]);
    }

    private static void RefuseDecomposition(IReadOnlyDictionary<string, LoraMatrices> modules, LoraFormat format)
    {
        string? decomposed = modules.FirstOrDefault(m => m.Value.Magnitude is not null).Key;
        if (decomposed is null || format == LoraFormat.Kohya)
        {
            return;
        }

        string? odd = format == LoraFormat.OldDiffusers ? decomposed : modules.FirstOrDefault(m => m.Value.Magnitude?.shape is not [_, 1]).Key;
        if (odd is not null)
        {
            throw new ArgumentException(
                $"The format {format} cannot hold the DoRA of this LoRA: "
                + (format == LoraFormat.OldDiffusers ? "it has no name for a magnitude" : $"it wants a magnitude for every output of every module, and '{odd}' has {(modules[odd].Magnitude is null ? "none" : "one for every input")}")
                + ". Write it in kohya's.");
        }
    }

    // Alpha has no tensor in diffusers' files: without this entry diffusers would take alpha = r. In kohya's files it must be
    // absent, as diffusers refuses a file that says alpha twice.
    private static Dictionary<string, string> Metadata(LoraConfig config, IReadOnlyDictionary<string, LoraMatrices> modules, LoraFormat format) => format switch
    {
        LoraFormat.Diffusers or LoraFormat.OldDiffusers => new() { ["format"] = "pt", [LoraMetadata.Key] = LoraMetadata.Write(config, modules, prefix: "unet.") },
        LoraFormat.Kohya => new()
        {
            ["format"] = "pt",
            ["ss_network_module"] = "networks.lora",
            ["ss_network_dim"] = config.Rank.ToString(CultureInfo.InvariantCulture),
            ["ss_network_alpha"] = config.Alpha.ToString(CultureInfo.InvariantCulture),
        },
        _ => new() { ["format"] = "pt" },
    };
}

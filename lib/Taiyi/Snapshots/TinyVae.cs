using Taiyi.Files;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Snapshots;

/// <summary>
/// Reads tiny VAEs: TAESD's own two files (<c>taesd_decoder</c>, <c>taesd_encoder</c>, <c>.safetensors</c> or <c>.pth</c>) and those of
/// diffusers' <c>AutoencoderTiny</c>, which hold both halves.
/// </summary>
public static class TinyVae
{
    private static readonly string[] Formats = [".safetensors", ".pth", ".bin"];

    /// <summary>Reads the decoder.</summary>
    /// <param name="path">The file, or the folder that holds it.</param>
    /// <param name="device">Where it lives; the CPU if null.</param>
    /// <param name="dtype">What its weights are kept in; float32 if null, whatever the file has.</param>
    /// <returns>The network; the caller disposes of it.</returns>
    /// <exception cref="CheckpointException">There is no such file, or it is malformed or holds something else.</exception>
    public static TinyDecoder LoadDecoder(string path, Device? device = null, ScalarType? dtype = null) =>
        Load(path, "decoder", config => new TinyDecoder(config, device, dtype));

    /// <summary>Reads the encoder.</summary>
    /// <inheritdoc cref="LoadDecoder"/>
    public static TinyEncoder LoadEncoder(string path, Device? device = null, ScalarType? dtype = null) =>
        Load(path, "encoder", config => new TinyEncoder(config, device, dtype));

    private static T Load<T>(string path, string half, Func<TinyVaeConfig, T> build)
        where T : nn.Module
    {
        string file = Find(path, half);
        using RenamedStateDictFile weights = Open(file, half);
        CheckConfig(file);
        T network = build(TinyVaeConfig.Of(weights));
        try
        {
            StateDictLoader.Load(network, weights);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private static string Find(string path, string half)
    {
        if (!Directory.Exists(path))
        {
            return path;
        }

        string[] stems = ["diffusion_pytorch_model", $"taesd_{half}"];
        return (from stem in stems from format in Formats select Path.Combine(path, stem + format)).FirstOrDefault(File.Exists)
            ?? throw new CheckpointException($"There is no tiny VAE in '{path}': give a folder with {stems[0]}.safetensors (diffusers' AutoencoderTiny) or {stems[1]}.safetensors (TAESD), or one of these files.");
    }

    // All of a half under the names layers.N…, whichever way the file numbers them.
    private static RenamedStateDictFile Open(string path, string half)
    {
        IStateDictFile file = StateDictFile.Open(path);
        try
        {
            return new RenamedStateDictFile(file, Renamer(file, half));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static Func<string, string?> Renamer(IStateDictFile file, string half)
    {
        string prefix = $"{half}.";
        if (file.Tensors.ContainsKey($"{prefix}layers.0.weight"))
        {
            return name => name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : null;
        }

        // TAESD's decoder begins with a clamp that has no weights: its numbers are one higher.
        bool isEncoder = file.Tensors.ContainsKey("0.weight"), isDecoder = !isEncoder && file.Tensors.ContainsKey("1.weight");
        return (isEncoder, isDecoder, half) switch
        {
            (true, _, "encoder") => name => $"layers.{name}",
            (_, true, "decoder") => OneLower,
            (true, _, _) or (_, true, _) => throw new CheckpointException($"'{file.Path}' is the {(isEncoder ? "encoder" : "decoder")} of a tiny VAE: give its {half}, taesd_{half}.safetensors."),
            _ => throw new CheckpointException(
                $"'{file.Path}' is no tiny VAE: it holds neither {half}.layers.0.weight (diffusers' AutoencoderTiny) nor 0.weight or 1.weight (TAESD's own files), but such as {file.Tensors.Keys.FirstOrDefault() ?? "nothing"}."),
        };
    }

    private static string? OneLower(string name)
    {
        int point = name.IndexOf('.', StringComparison.Ordinal);
        return point > 0 && int.TryParse(name.AsSpan(0, point), out int layer) ? $"layers.{layer - 1}{name[point..]}" : name;
    }

    // The sizes are those of the weights; what the weights cannot tell has to be TAESD's.
    private static void CheckConfig(string weights)
    {
        string path = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(weights))!, "config.json");
        if (Path.GetFileName(weights).StartsWith("diffusion_pytorch_model", StringComparison.Ordinal) && File.Exists(path))
        {
            ConfigFile.Open(path).Require("""{"act_fn": "relu", "upsample_fn": "nearest", "upsampling_scaling_factor": 2, "latent_magnitude": 3, "scaling_factor": 1, "shift_factor": 0}""");
        }
    }
}

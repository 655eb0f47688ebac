using Taiyi.Files;
namespace Taiyi.Snapshots;

/// <summary>Where the parts of a model lie. A config that is null stands for Taiyi's own values.</summary>
internal sealed record ModelFiles
{
    private const string Layout = "a Hugging Face snapshot with unet/, vae/, text_encoder/, tokenizer/ and scheduler/";

    // The full precision first; a half-precision variant only where nothing else is there.
    private static readonly string[] Endings =
    [
        .. EndingsOf("", ".safetensors"), .. EndingsOf(".fp32", ".safetensors"), .. EndingsOf("", ".bin"), .. EndingsOf(".fp32", ".bin"),
        .. EndingsOf(".fp16", ".safetensors"), .. EndingsOf(".bf16", ".safetensors"), .. EndingsOf(".fp16", ".bin"), .. EndingsOf(".bf16", ".bin"),
    ];

    /// <summary>The names in the one file that the three networks share; null where each has a file of its own.</summary>
    public CheckpointKeys? Keys { get; private init; }

    public required string Folder { get; init; }

    public required string UNetWeights { get; init; }

    public required string VaeWeights { get; init; }

    public required string TextEncoderWeights { get; init; }

    public required string? UNetConfig { get; init; }

    public required string? VaeConfig { get; init; }

    public required string? TextEncoderConfig { get; init; }

    public required string? SchedulerConfig { get; init; }

    public required string TokenizerFolder { get; init; }

    /// <exception cref="CheckpointException">There is no complete model at the path; the message names what is missing.</exception>
    public static ModelFiles Find(string path)
    {
        if (Directory.Exists(path))
        {
            return InFolder(path);
        }

        return File.Exists(path)
            ? InCheckpoint(path)
            : throw new CheckpointException($"There is no model at '{path}': give the path of {Layout}, or of a single .ckpt or .safetensors file.");
    }

    private static ModelFiles InFolder(string folder)
    {
        TextEncoderKeys.RefuseClip(folder);
        List<string> missing = [];
        ModelFiles files = new()
        {
            Folder = folder,
            UNetConfig = Required("unet/config.json"),
            UNetWeights = Weights("unet", "diffusion_pytorch_model"),
            VaeConfig = Required("vae/config.json"),
            VaeWeights = Weights("vae", "diffusion_pytorch_model"),
            TextEncoderConfig = Required("text_encoder/config.json"),
            TextEncoderWeights = Weights("text_encoder", "model", "pytorch_model"),
            TokenizerFolder = Path.GetDirectoryName(Required("tokenizer/vocab.txt"))!,
            SchedulerConfig = Required("scheduler/scheduler_config.json"),
        };
        return missing.Count == 0
            ? files
            : throw new CheckpointException($"'{folder}' is no whole model: it lacks {string.Join(", ", missing)}. A model is {Layout}{Hint(folder)}.");

        string Required(string relative)
        {
            string path = Path.Combine(folder, relative);
            if (!File.Exists(path))
            {
                missing.Add(relative);
            }

            return path;
        }

        string Weights(string part, params string[] stems)
        {
            string[] candidates = [.. from ending in Endings from stem in stems select Path.Combine(folder, part, stem + ending)];
            string? found = candidates.FirstOrDefault(File.Exists);
            if (found is null)
            {
                missing.Add($"{part}/{stems[0]}.safetensors (or {stems[^1]}.bin)");
            }

            return found ?? "";
        }
    }

    // One file, or the index of several: diffusers puts a variant before the last part of the index's name, others before the format.
    private static IEnumerable<string> EndingsOf(string variant, string format) => variant.Length == 0
        ? [format, $"{format}.index.json"]
        : [variant + format, $"{format}.index{variant}.json", $"{variant}{format}.index.json"];

    private static ModelFiles InCheckpoint(string file)
    {
        CheckpointKeys keys = KeysOf(file);
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        string? vocabulary = Optional("tokenizer/vocab.txt") ?? Optional("vocab.txt");
        return new ModelFiles
        {
            Keys = keys,
            Folder = folder,
            UNetWeights = file,
            VaeWeights = file,
            TextEncoderWeights = file,
            UNetConfig = Optional("unet/config.json"),
            VaeConfig = Optional("vae/config.json"),
            TextEncoderConfig = Optional("text_encoder/config.json"),
            SchedulerConfig = Optional("scheduler/scheduler_config.json"),
            TokenizerFolder = Path.GetDirectoryName(vocabulary) ?? throw new CheckpointException(
                $"'{file}' holds no vocabulary, and neither tokenizer/vocab.txt nor vocab.txt lies beside it: copy the vocab.txt of Taiyi's tokenizer (21,128 lines) there."),
        };

        string? Optional(string relative) => Path.Combine(folder, relative) is var path && File.Exists(path) ? path : null;
    }

    private static CheckpointKeys KeysOf(string file)
    {
        using IStateDictFile checkpoint = StateDictFile.Open(file);
        TextEncoderKeys.RefuseClip(checkpoint);
        CheckpointKeys keys = CheckpointKeys.Of(checkpoint);
        string[] missing = [.. keys.Missing(checkpoint)];
        return missing.Length == 0
            ? keys
            : throw new CheckpointException(
                $"'{file}' is no checkpoint of a whole model: none of its {checkpoint.Tensors.Count} tensors begins with {string.Join(", ", missing)}. Give a .ckpt with UNet, VAE and text encoder, or the folder of {Layout}.");
    }

    private static string Hint(string folder)
    {
        if (Directory.Exists(Path.Combine(folder, "snapshots")))
        {
            return $"; this one is a download cache, so give the folder below '{Path.Combine(folder, "snapshots")}'";
        }

        string? checkpoint = Directory.EnumerateFiles(folder, "*.ckpt").FirstOrDefault();
        return checkpoint is null ? "" : $"; to use '{Path.GetFileName(checkpoint)}', give the path of that file";
    }
}

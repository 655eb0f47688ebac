using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Snapshots;

/// <summary>Writes networks as a model folder in the layout of a Hugging Face snapshot, which diffusers reads too. Weights are float16.</summary>
public static class SnapshotWriter
{
    private const string VaeWeights = "diffusion_pytorch_model.safetensors";

    private static readonly JsonSerializerOptions SnakeCase = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
    };

    /// <summary>Writes all parts of a model but the tokenizer, which must be in the folder.</summary>
    /// <param name="folder">It is made if it is missing.</param>
    /// <param name="textEncoder">The text encoder.</param>
    /// <param name="unet">The UNet.</param>
    /// <param name="vae">The VAE.</param>
    /// <param name="scheduler">The noise schedule.</param>
    /// <param name="defaults">What suits the model: written to <c>taiyi.json</c> if there is none yet. Null writes no such file.</param>
    public static void Write(
        string folder, BertTextEncoder textEncoder, UNet2DConditionModel unet, AutoencoderKL vae, SchedulerConfig scheduler, ModelDefaults? defaults = null)
    {
        using var scope = NewDisposeScope();
        WriteVae(folder, vae, vae.Config);
        WriteNetwork(Path.Combine(folder, "unet"), VaeWeights, unet, unet.Config, """
            {"_class_name": "UNet2DConditionModel", "act_fn": "silu", "center_input_sample": false, "downsample_padding": 1,
             "flip_sin_to_cos": true, "freq_shift": 0, "mid_block_scale_factor": 1}
            """);
        WriteNetwork(Path.Combine(folder, "text_encoder"), "model.safetensors", textEncoder, textEncoder.Config, """
            {"architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu", "attention_probs_dropout_prob": 0.0,
             "hidden_dropout_prob": 0.0, "initializer_range": 0.02, "pad_token_id": 0}
            """, Pooler(textEncoder.Config.HiddenSize));
        Directory.CreateDirectory(Path.Combine(folder, "scheduler"));
        AtomicWrite.Text(Path.Combine(folder, "scheduler", "scheduler_config.json"), SchedulerConfigFile.Pndm(scheduler).ToJsonString(SnakeCase) + "\n");
        AtomicWrite.Text(Path.Combine(folder, "model_index.json"), """
            {
              "_class_name": "StableDiffusionPipeline",
              "feature_extractor": [null, null],
              "requires_safety_checker": false,
              "safety_checker": [null, null],
              "scheduler": ["diffusers", "PNDMScheduler"],
              "text_encoder": ["transformers", "BertModel"],
              "tokenizer": ["transformers", "BertTokenizer"],
              "unet": ["diffusers", "UNet2DConditionModel"],
              "vae": ["diffusers", "AutoencoderKL"]
            }

            """);
        string defaultsFile = Path.Combine(folder, ModelDefaults.FileName);
        if (defaults is not null && !File.Exists(defaultsFile))
        {
            AtomicWrite.Text(defaultsFile, JsonSerializer.Serialize(defaults, SnakeCase) + "\n");
        }
    }

    /// <summary>Writes a VAE to <c>vae</c> in a model folder.</summary>
    /// <param name="folder">The model folder; it is made if it is missing.</param>
    /// <param name="vae">The network.</param>
    /// <param name="config">Its sizes with the scaling factor that belongs to its weights.</param>
    public static void WriteVae(string folder, AutoencoderKL vae, AutoencoderKLConfig config) =>
        WriteNetwork(Path.Combine(folder, "vae"), VaeWeights, vae, config, """{"_class_name": "AutoencoderKL", "act_fn": "silu"}""");

    /// <summary>Reads a VAE from its own folder.</summary>
    /// <param name="folder"><c>vae</c> in a model folder.</param>
    /// <param name="device">Where it lives; the CPU if null.</param>
    /// <param name="dtype">What its weights are kept in; float32 if null.</param>
    /// <exception cref="CheckpointException">There is none, or it is damaged.</exception>
    public static AutoencoderKL ReadVae(string folder, Device? device = null, ScalarType? dtype = null)
    {
        AutoencoderKL vae = new(AutoencoderKLConfig.FromFile(Path.Combine(folder, "config.json")), device, dtype);
        try
        {
            using IStateDictFile weights = StateDictFile.Open(Path.Combine(folder, VaeWeights));
            StateDictLoader.Load(vae, weights);
            return vae;
        }
        catch
        {
            vae.Dispose();
            throw;
        }
    }

    // What transformers' BertModel has behind its layers, diffusion does not use, and BertModel warns of where it is missing.
    private static KeyValuePair<string, Tensor>[] Pooler(long width) =>
        [new("pooler.dense.weight", zeros(width, width)), new("pooler.dense.bias", zeros(width))];

    private static void WriteNetwork(string folder, string weightsName, nn.Module network, object config, string constants, params KeyValuePair<string, Tensor>[] unused)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        WriteConfig(folder, "config.json", config, constants);
        IEnumerable<KeyValuePair<string, Tensor>> weights = network.named_parameters().Select(named => KeyValuePair.Create(named.name, (Tensor)named.parameter))
            .Concat(unused).Select(named => KeyValuePair.Create(named.Key, named.Value.to(ScalarType.Float16)));
        SafetensorsFile.Write(Path.Combine(folder, weightsName), weights, new Dictionary<string, string> { ["format"] = "pt" });
    }

    // What the record says, and what every network of this family has.
    private static void WriteConfig(string folder, string name, object config, string constants)
    {
        Directory.CreateDirectory(folder);
        JsonObject json = JsonNode.Parse(constants)!.AsObject();
        foreach ((string field, JsonNode? value) in JsonSerializer.SerializeToNode(config, config.GetType(), SnakeCase)!.AsObject())
        {
            json[field] = value?.DeepClone();
        }

        AtomicWrite.Text(Path.Combine(folder, name), json.ToJsonString(SnakeCase) + "\n");
    }
}

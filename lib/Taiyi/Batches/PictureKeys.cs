using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Taiyi.Files;
using Taiyi.Lora;
using static TorchSharp.torch;

namespace Taiyi.Batches;

/// <summary>
/// Keys of pictures: hashes of all that a picture follows from (weights, LoRA and their strengths, sampler, prompt, options, seed). The same
/// key is the same picture, wherever its prompt stands in a file; anything changed is another picture.
/// </summary>
public sealed class PictureKeys
{
    private const int Digits = 12; // 48 bits: a million pictures share a key with a chance of 0.2 %

    private static readonly JsonSerializerOptions Json = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    private readonly StableDiffusionPipeline _pipeline;
    private readonly string _settings;

    /// <summary>Hashes the model as it is now, with the LoRA that are loaded and its sampler.</summary>
    public PictureKeys(StableDiffusionPipeline pipeline)
    {
        _pipeline = pipeline;
        IEnumerable<string> loras = pipeline.LoraAdapters.Select(adapter => string.Create(
            CultureInfo.InvariantCulture,
            $"{adapter.Weight} {string.Join(' ', adapter.Layers.Select(layer => $"{layer.Key} {layer.Value.Alpha}"))} {WeightsHash.Of(adapter.Layers.Values.SelectMany(Matrices))}"));
        _settings = string.Join('\n', [WeightsHash.Of(pipeline.Weights()), .. loras, pipeline.Scheduler.GetType().Name, JsonSerializer.Serialize(pipeline.Scheduler.Config, Json)]);
    }

    /// <summary>The key of one picture.</summary>
    /// <param name="prompt">The prompt with its style words.</param>
    /// <param name="options">How it is drawn; without a start picture and latents.</param>
    /// <param name="seed">Its own seed.</param>
    /// <returns>Twelve hexadecimal digits.</returns>
    public string Of(string prompt, GenerationOptions options, long seed)
    {
        string drawn = JsonSerializer.Serialize(
            new
            {
                prompt,
                ids = _pipeline.Tokenizer.Encode(prompt).Ids, // a word taught by textual inversion has the ids of its file
                options.NegativePrompt,
                negativeIds = _pipeline.Tokenizer.Encode(options.NegativePrompt).Ids,
                options.GuidanceScale,
                options.GuidanceRescale,
                above = options.GuidanceInterval?.Above,
                upTo = options.GuidanceInterval?.UpTo,
                options.Forecast,
                options.Draft,
                options.NumInferenceSteps,
                options.Timesteps,
                options.Sigmas,
                shape = _pipeline.LatentShape(1, options),
                seed,
            },
            Json);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(_settings + drawn)))[..Digits];
    }

    private static IEnumerable<Tensor> Matrices(LoraLayer layer) => layer.Magnitude is { } magnitude ? [layer.A, layer.B, magnitude] : [layer.A, layer.B];
}

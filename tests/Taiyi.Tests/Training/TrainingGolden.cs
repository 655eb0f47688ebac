using System.Text.Json.Nodes;
using Taiyi.Files;
using Taiyi.Lora;
using Taiyi.Models;
using Taiyi.Schedulers;
using Taiyi.Training;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Taiyi.Tests.Training;

/// <summary>The batches, first weights and results of tests/Golden/training.json and training.safetensors.</summary>
internal sealed class TrainingGolden : IDisposable
{
    private readonly SafetensorsFile _file = SafetensorsFile.Open(Repository.Golden("training.safetensors"));

    public JsonNode Json { get; } = JsonNode.Parse(File.ReadAllText(Repository.Golden("training.json")))!;

    public Tensor Read(string name) => _file.Read(name);

    public IEnumerable<string> Names(string prefix) => _file.Tensors.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>Rows of batch i: latents that are x₀ already, and ε and t in place of random ones. ξ has no effect, as σ is 0.</summary>
    public (TrainingBatch Batch, DiffusionDraws Draws) Batch(int i, Range rows)
    {
        Tensor Rows(string part) => Read($"batch{i}.{part}")[rows.Start..rows.End];
        Tensor latents = Rows("latents"), noise = Rows("noise");
        return (new TrainingBatch(latents, zeros_like(latents), Rows("context")), new DiffusionDraws(zeros_like(latents), noise, Rows("timesteps")));
    }

    /// <summary>An adapter with the stored first weights; B is 0 if the run starts so.</summary>
    public LoraAdapter Inject(UNet2DConditionModel unet, string run)
    {
        using Generator unused = new(0);
        int rank = (int)Json["rank"]!;
        LoraAdapter adapter = LoraAdapter.Inject(unet, new LoraConfig { Rank = rank, Alpha = (double)Json["alpha"]!, Dropout = 0 }, unused);
        bool zeroB = (string)Json["runs"]![run]!["starts_with"]! == "init A, B = 0";
        using IDisposable noGrad = no_grad();
        foreach ((string path, LoraLayer layer) in adapter.Layers)
        {
            using Tensor a = Read($"init.{path}.lora_A.weight"), b = Read($"init.{path}.lora_B.weight");
            layer.A.copy_(a);
            layer.B.copy_(zeroB ? b.zero_() : b);
        }

        return adapter;
    }

    public static DiffusionLoss Loss(UNet2DConditionModel unet, double? snrGamma = null) => new(unet, new SchedulerConfig(), scalingFactor: 1, snrGamma);

    public static IEnumerable<KeyValuePair<string, Parameter>> Named(LoraAdapter adapter) =>
        adapter.Layers.SelectMany(layer => new KeyValuePair<string, Parameter>[] { new(layer.Key + ".lora_A.weight", layer.Value.A), new(layer.Key + ".lora_B.weight", layer.Value.B) });

    public void Dispose() => _file.Dispose();
}

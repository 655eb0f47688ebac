using System.Text.Json;
using Taiyi.Files;
using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Tests.Schedulers;

/// <summary>What diffusers' further samplers gave for a dummy model: tests/Golden/samplers.json and .safetensors.</summary>
internal sealed class SamplerGolden : IDisposable
{
    private static readonly JsonElement Json = JsonDocument.Parse(File.ReadAllBytes(Repository.Golden("samplers.json"))).RootElement.GetProperty("cases");
    private readonly SafetensorsFile _tensors = SafetensorsFile.Open(Repository.Golden("samplers.safetensors"));

    public static TheoryData<string> Cases => [.. Json.EnumerateObject().Select(c => c.Name)];

    public static JsonElement Case(string name) => Json.GetProperty(name);

    public Tensor this[string key] => _tensors.Read(key);

    public bool Has(string key) => _tensors.Tensors.ContainsKey(key);

    /// <summary>The sampler as a model folder's <c>scheduler_config.json</c> with the case's class and settings makes it.</summary>
    public static Scheduler Create(string name)
    {
        JsonElement golden = Case(name);
        string className = golden.GetProperty("class").GetString()!;
        string settings = golden.GetProperty("settings").GetRawText().TrimEnd().TrimEnd('}');
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, $$"""{{settings}}, "_class_name": "{{className}}"}""");
            SchedulerConfig config = SchedulerConfig.FromFile(path);
            JsonElement arguments = golden.GetProperty("step_arguments");
            config = arguments.TryGetProperty("eta", out JsonElement eta) ? config with { Eta = eta.GetDouble() } : config;
            return arguments.TryGetProperty("order", out JsonElement order) ? new LMSDiscreteScheduler(config, order.GetInt32()) : Scheduler.FromConfig(config);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>A run of the case's steps: a number, timesteps or sigmas.</summary>
    public static SchedulerRun Begin(string name)
    {
        Scheduler scheduler = Create(name);
        JsonElement steps = Case(name).GetProperty("set_timesteps");
        return steps.ValueKind == JsonValueKind.Number ? scheduler.Begin(steps.GetInt32())
            : steps.TryGetProperty("timesteps", out JsonElement timesteps) ? scheduler.BeginAt(Numbers(timesteps))
            : scheduler.BeginAtSigmas(Numbers(steps.GetProperty("sigmas")));
    }

    public void Dispose() => _tensors.Dispose();

    private static double[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(value => value.GetDouble())];
}

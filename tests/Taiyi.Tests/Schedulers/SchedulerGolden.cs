using System.Text.Json;
using Taiyi.Files;
using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Tests.Schedulers;

/// <summary>What diffusers' samplers gave for a dummy model: tests/Golden/schedulers.json and .safetensors.</summary>
internal sealed class SchedulerGolden : IDisposable
{
    /// <summary>The golden cases.</summary>
    public static readonly TheoryData<string> Cases =
    [
        "pndm", "ddim", "ddim_eta1", "ddim_v", "ddpm", "euler", "euler_leading", "euler_ancestral",
        "dpmpp_2m", "dpmpp_2m_leading", "dpmpp_2m_karras", "dpmpp_2m_v", "lcm",
    ];

    private static readonly JsonElement Json = JsonDocument.Parse(File.ReadAllBytes(Repository.Golden("schedulers.json"))).RootElement;
    private readonly SafetensorsFile _tensors = SafetensorsFile.Open(Repository.Golden("schedulers.safetensors"));

    public static int LoopSteps => Json.GetProperty("loop_steps").GetInt32();

    public Tensor this[string key] => _tensors.Read(key);

    public static JsonElement Case(string name) => Json.GetProperty("cases").GetProperty(name);

    /// <summary>The scheduler of a golden case. Spacing is set only where the case sets it: each scheduler's own default is under test.</summary>
    public static Scheduler Create(string name)
    {
        JsonElement settings = Case(name).GetProperty("settings");
        bool velocity = settings.TryGetProperty("prediction_type", out JsonElement type) && type.GetString() == "v_prediction";
        SchedulerConfig config = new()
        {
            PredictionType = velocity ? PredictionType.VPrediction : PredictionType.Epsilon,
            TimestepSpacing = settings.TryGetProperty("timestep_spacing", out _) ? TimestepSpacing.Leading : null,
        };
        return name switch
        {
            "ddim_eta1" => new DDIMScheduler(config with { Eta = 1 }),
            "ddim_v" => Scheduler.Create("ddim", config),
            "euler_leading" => Scheduler.Create("euler", config),
            "euler_ancestral" => Scheduler.Create("euler_a", config),
            "dpmpp_2m_leading" or "dpmpp_2m_v" => Scheduler.Create("dpmpp_2m", config),
            _ => Scheduler.Create(name, config),
        };
    }

    /// <summary>The stand-in for a network: schedulers.json, "dummy_model".</summary>
    public static Tensor DummyModel(Tensor x, double t) => 0.5 * x + 0.3 * sin(2 * x + (float)(0.01 * t));

    public bool Has(string key) => _tensors.Tensors.ContainsKey(key);

    public void Dispose() => _tensors.Dispose();
}

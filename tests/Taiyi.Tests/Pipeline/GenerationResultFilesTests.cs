using Taiyi.Data;
using static TorchSharp.torch;

namespace Taiyi.Tests.Pipeline;

/// <summary>What a saved picture says about how it was drawn.</summary>
[NoTensorLeak]
public sealed class GenerationResultFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(0.5, ", Loras: lora:0.5")]
    [InlineData(0, "")] // switched off
    public void It_names_the_sampler_and_the_LoRAs_that_are_on(double weight, string expected)
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(Repository.Golden("tiny-taiyi"), dtype: ScalarType.Float32);
        pipeline.LoadLora(Repository.Golden("lora/pytorch_lora_weights.safetensors"), weight); // a file of the usual name is called after its folder
        GenerationOptions options = new() { NumInferenceSteps = 1, Seed = 7, GuidanceScale = 1 };

        using GenerationResult result = pipeline.Generate("一只猫", options);
        string file = Assert.Single(result.Save(_folder, options));

        string parameters = ImageFile.ReadText(file)["parameters"];
        Assert.Contains($"Steps: 1, Sampler: {pipeline.Scheduler.GetType().Name}, CFG scale: 1", parameters, StringComparison.Ordinal);
        Assert.Equal(expected, parameters[(parameters.IndexOf("Size: ", StringComparison.Ordinal) + "Size: ".Length)..].TrimStart("0123456789x".ToCharArray()));
    }
}

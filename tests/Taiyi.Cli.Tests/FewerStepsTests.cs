using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;

namespace Taiyi.Cli.Tests;

/// <summary>The options of <c>taiyi generate</c> that save time or memory.</summary>
public sealed class FewerStepsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void One_network_at_a_time_draws_the_same_picture_a_forecast_and_a_draft_another()
    {
        byte[] usual = Draw("usual"), lowMemory = Draw("low", "--low-memory", "true");
        byte[] forecast = Draw("forecast", "--forecast"), draft = Draw("draft", "--tiny-vae", Repository.Golden("tiny-vae"));

        Assert.Equal(usual, lowMemory);
        Assert.NotEqual(usual, forecast);
        Assert.NotEqual(usual, draft);
        Assert.EndsWith(", Forecast: Spectrum", ImageFile.ReadText(_folder.File("forecast/生成图_0.png"))["parameters"], StringComparison.Ordinal);
        Generate("--tiny-vae", Repository.Golden("tiny-vae/taesd_encoder.safetensors")).AssertFailsWith("taesd_decoder.safetensors");
    }

    private byte[] Draw(string folder, params string[] options)
    {
        CommandResult result = Generate(["--output", folder, .. options]);
        Assert.True(result.ExitCode == 0, result.Error);
        using Image<Rgb24> picture = ImageFile.Read(_folder.File(folder + "/生成图_0.png"));
        return picture.ToBytes();
    }

    private CommandResult Generate(params string[] options) => CommandProcess.Run(
        _folder.Path, ["generate", "一只猫", "-n", "1", "--steps", "12", "--dtype", "float32", "--model", Repository.Golden("tiny-taiyi"), .. options]);
}

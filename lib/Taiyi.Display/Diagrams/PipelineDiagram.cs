using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>From a prompt to a picture: the parts of a pipeline, what passes between them and its shapes, read from the pipeline itself.</summary>
/// <remarks>B is 1 everywhere. Each part leads to the file that computes it.</remarks>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class PipelineDiagram : View
{
    private const string Words = "#4c8bf5", Noise = "#e8663c", Picture = "#2fa874";
    private readonly string _ids, _states, _latents, _pixels, _sampler;
    private readonly string? _files;
    private readonly int _factor;

    /// <summary>Reads shapes from a pipeline.</summary>
    /// <param name="pipeline">The pipeline; it is not run.</param>
    /// <param name="files">The folder <c>lib/Taiyi</c> as seen from the page, for links to the files; null for none.</param>
    public PipelineDiagram(StableDiffusionPipeline pipeline, string? files = null)
    {
        long[] latents = pipeline.LatentShape(1);
        _factor = pipeline.Vae.Config.DownscaleFactor;
        _files = files;
        _ids = $"(1, {pipeline.Tokenizer.MaxLength})";
        _states = $"(1, {pipeline.Tokenizer.MaxLength}, {pipeline.UNet.Config.CrossAttentionDim})";
        _latents = $"({string.Join(", ", latents)})";
        _pixels = $"(1, 3, {_factor * latents[2]}, {_factor * latents[3]})";
        _sampler = pipeline.Scheduler.GetType().Name;
    }

    /// <inheritdoc/>
    public override string ToHtml()
    {
        Drawing drawing = new(820, 300, "From a prompt to a picture 从提示词到图片", _files);
        drawing.Box(80, 50, 130, 44, Words, null, "prompt 提示词", "一只狮子");
        drawing.Box(270, 50, 150, 44, Words, "Models/Bert/BertTokenizer.cs", "tokenizer 分词器", "ids " + _ids);
        drawing.Box(490, 50, 170, 44, Words, "Models/Bert/BertTextEncoder.cs", "text encoder 文本编码器", "states " + _states);
        drawing.Box(80, 175, 130, 44, Noise, "Schedulers/ImageNoise.cs", "noise 噪声", _latents);
        drawing.Box(490, 145, 170, 44, Noise, "Models/UNet/UNet2DConditionModel.cs", "UNet 去噪网络", "ε, the noise in x_t");
        drawing.Box(490, 235, 170, 44, Noise, $"Schedulers/{_sampler}.cs", "sampler 采样器", _sampler);
        drawing.Box(270, 175, 150, 44, Noise, "StableDiffusionPipeline.Denoising.cs", "latents x_t 潜变量", _latents);
        drawing.Box(730, 175, 150, 44, Picture, "Models/Vae/Decoder.cs", "VAE decoder 解码器", $"side x {_factor} 边长 x {_factor}");
        drawing.Box(730, 265, 150, 44, Picture, null, "picture 图片", _pixels);
        drawing.Arrow(null, false, (145, 50), (194, 50));
        drawing.Arrow(null, false, (345, 50), (404, 50));
        drawing.Arrow("in every step 每一步", true, (490, 72), (490, 122));
        drawing.Arrow(null, false, (145, 175), (194, 175));
        drawing.Arrow(null, false, (345, 165), (375, 165), (375, 145), (404, 145));
        drawing.Arrow(null, false, (490, 167), (490, 212));
        drawing.Arrow(null, false, (405, 235), (270, 235), (270, 198));
        drawing.Text(290, 256, "next, less noisy x_t 下一个 x_t", "opacity=\".8\"");
        drawing.Arrow(null, false, (576, 235), (615, 235), (615, 175), (654, 175));
        drawing.Text(730, 140, "after the last step 最后一步之后", "opacity=\".8\"");
        drawing.Arrow(null, false, (730, 198), (730, 242));
        return $"<div>{drawing.Finish()}</div>";
    }

    /// <inheritdoc/>
    public override string ToText() =>
        $"prompt -> tokenizer, ids {_ids} -> text encoder, states {_states}\nnoise {_latents} -> UNet and {_sampler}, as often as there are steps -> VAE decoder -> picture {_pixels}";
}

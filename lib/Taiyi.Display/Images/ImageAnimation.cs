using System.Globalization;
using System.Text;
using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>A sequence of pictures with a slider and a play button; made by <see cref="Images.Animate"/>.</summary>
/// <remarks>
/// The page holds every frame once, as a film strip. The script, where it may run, turns the strip into a player; where it may not,
/// up to eight frames in even steps stay visible, the first and the last among them.
/// </remarks>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class ImageAnimation : View
{
    private const int StillFrames = 8;
    private const int StillWidth = 96;
    private const int PlayerWidth = 256;
    private readonly double _framesPerSecond;

    internal ImageAnimation(IReadOnlyList<ImageView> frames, double framesPerSecond)
    {
        if (framesPerSecond is not (> 0 and <= 60))
        {
            throw new ArgumentOutOfRangeException(null, $"An animation plays more than 0 and at most 60 frames a second, got {framesPerSecond}.");
        }

        Frames = frames;
        _framesPerSecond = framesPerSecond;
    }

    /// <summary>The frames in their order.</summary>
    public IReadOnlyList<ImageView> Frames { get; }

    /// <inheritdoc/>
    public override string ToHtml()
    {
        HashSet<int> stills = [.. Enumerable.Range(0, StillFrames).Select(k => (int)Math.Round(k * (Frames.Count - 1.0) / (StillFrames - 1)))];
        string milliseconds = (1000 / _framesPerSecond).ToString("0", CultureInfo.InvariantCulture);
        StringBuilder html = new($"<div data-taiyi-player=\"{milliseconds}\" data-width=\"{PlayerWidth}\">");
        for (int i = 0; i < Frames.Count; i++)
        {
            html.Append(Frames[i].ToFigure(StillWidth, $"data-frame=\"{i}\" ", stills.Contains(i) ? "" : "display:none"));
        }

        return html.Append("</div>").Append(Html.Script(Html.Asset("player.js"))).ToString();
    }

    /// <inheritdoc/>
    public override string ToText() => string.Join('\n', Frames.Select((frame, i) => $"{i + 1}/{Frames.Count} {frame.ToText()}"));
}

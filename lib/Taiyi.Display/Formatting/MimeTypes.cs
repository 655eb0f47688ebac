namespace Taiyi.Display.Formatting;

/// <summary>The forms in which Jupyter front ends take a value.</summary>
internal static class MimeTypes
{
    public const string Html = "text/html";
    public const string Text = "text/plain";
    public const string Png = "image/png";
    public const string Svg = "image/svg+xml";
}

namespace Taiyi.Display.Formatting;

/// <summary>The building blocks of this library's drawings.</summary>
internal static class Svg
{
    /// <summary>
    /// Sets the colour of the text where a drawing stands alone. In a page it is the page's. GitHub makes a picture file of every drawing in
    /// a notebook, in which it would be black on a dark page: there, and only there, the drawing is the root of its document.
    /// </summary>
    public const string AloneStyle = "<style>svg:root{color:#24292f}@media(prefers-color-scheme:dark){svg:root{color:#e6edf3}}</style>";
}

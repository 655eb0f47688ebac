using System.Net;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace Taiyi.Display.Formatting;

/// <summary>The building blocks of this library's HTML.</summary>
/// <remarks>
/// Colours are those of the page (inherited, or a grey that shows on white and on black), styles stand inline since front ends
/// drop style sheets, and every style that JupyterLab sets on its tables is undone where it would spoil ours.
/// </remarks>
internal static class Html
{
    /// <summary>A hair line on a light or a dark background.</summary>
    public const string Rule = "1px solid rgba(128,128,128,.35)";

    /// <summary>Small text of the front end's own font.</summary>
    public const string Small = "font:12px/1.4 var(--jp-ui-font-family,system-ui,sans-serif)";

    /// <summary>A table that is as wide as its content, at the left.</summary>
    public const string TableStyle = "border-collapse:collapse;table-layout:auto;margin:0 0 8px 0;width:auto";

    /// <summary>A table row without the stripes of the front end.</summary>
    public const string RowStyle = "background:transparent";

    /// <summary>Text for an element or an attribute. Chinese stays as it is.</summary>
    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    /// <summary>An element's name that depends on its content alone, so that running a notebook again changes nothing in it.</summary>
    public static string Id(string content) =>
        "t" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)))[..12];

    /// <summary>A script element; its code stays well-formed XML.</summary>
    public static string Script(string code) => $"<script>/*<![CDATA[*/{code.Trim()}/*]]>*/</script>";

    /// <summary>One of this library's scripts in Assets/.</summary>
    public static string Asset(string name) => Encoding.UTF8.GetString(AssetBytes(name));

    /// <summary>A file of the folder Assets as it is.</summary>
    public static byte[] AssetBytes(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}

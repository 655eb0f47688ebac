using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>The line on the page for a check or an exercise: a mark, the rule, and a remark.</summary>
internal static class CheckLine
{
    public static string Passed(string name, string? details) => Line("#2fa874", "rgba(47,168,116,.12)", "✓", name, Details(details));

    public static string Failed(string name, string? details) => Line("#d9534f", "rgba(217,83,79,.12)", "✗", name, Details(details));

    public static string Open(string name, string details, string hint) =>
        Line("#8a8f98", "rgba(138,143,152,.12)", "○", name, Details(details) +
            $"<details style=\"margin-left:22px\"><summary style=\"cursor:pointer\">Hint 提示</summary>{Html.Escape(hint)}</details>");

    private static string Details(string? text) =>
        text is null ? "" : $"<div style=\"margin-left:22px\">{Html.Escape(text).Replace("\n", "<br/>", StringComparison.Ordinal)}</div>";

    private static string Line(string color, string tint, string mark, string name, string below) =>
        $"<div style=\"{Html.Small};font-size:13px;border-left:4px solid {color};background:{tint};padding:5px 10px;margin:3px 0\">" +
        $"<b style=\"color:{color};display:inline-block;width:22px\">{mark}</b><b>{Html.Escape(name)}</b>{below}</div>";
}

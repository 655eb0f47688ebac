using System.Text;
using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>Rows of pictures under column titles; made by <see cref="Images.Grid"/>.</summary>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class ImageGrid : View
{
    private const string Cell = "text-align:center;vertical-align:middle;padding:3px;border:none;background:transparent;white-space:normal;max-width:180px";
    private readonly IReadOnlyList<string>? _rowTitles;
    private readonly IReadOnlyList<string>? _columnTitles;
    private readonly int _width;

    internal ImageGrid(IReadOnlyList<IReadOnlyList<ImageView>> rows, IReadOnlyList<string>? rowTitles, IReadOnlyList<string>? columnTitles, int width)
    {
        int columns = rows.Count == 0 ? 0 : rows.Max(row => row.Count);
        if (columns == 0 || (rowTitles != null && rowTitles.Count != rows.Count) || (columnTitles != null && columnTitles.Count != columns))
        {
            throw new ArgumentException(
                $"A grid of {rows.Count} rows and {columns} columns of pictures got {rowTitles?.Count ?? 0} row titles and {columnTitles?.Count ?? 0} column titles: " +
                "give as many, or none, and at least one picture.");
        }

        (Rows, _rowTitles, _columnTitles, _width) = (rows, rowTitles, columnTitles, width);
    }

    /// <summary>The pictures, row by row.</summary>
    public IReadOnlyList<IReadOnlyList<ImageView>> Rows { get; }

    /// <inheritdoc/>
    public override string ToHtml()
    {
        StringBuilder html = new($"<div style=\"overflow-x:auto\"><table style=\"{Html.TableStyle}\"><tbody>");
        if (_columnTitles != null)
        {
            string corner = _rowTitles is null ? "" : $"<th style=\"{Cell}\"></th>";
            html.Append($"<tr style=\"{Html.RowStyle}\">{corner}{string.Concat(_columnTitles.Select(Title))}</tr>");
        }

        for (int i = 0; i < Rows.Count; i++)
        {
            string title = _rowTitles is null ? "" : Title(_rowTitles[i]);
            html.Append($"<tr style=\"{Html.RowStyle}\">{title}{string.Concat(Rows[i].Select(ToCell))}</tr>");
        }

        return html.Append("</tbody></table></div>").ToString();
    }

    /// <inheritdoc/>
    public override string ToText()
    {
        IEnumerable<string> lines = Rows.Select((row, i) =>
            (_rowTitles is null ? "" : _rowTitles[i] + ": ") + string.Join(" ", row.Select(picture => picture.ToText())));
        return string.Join('\n', _columnTitles is null ? lines : lines.Prepend(string.Join(" | ", _columnTitles)));
    }

    private static string Title(string text) => $"<th style=\"{Cell};{Html.Small};font-weight:600\">{Html.Escape(text)}</th>";

    private string ToCell(ImageView picture)
    {
        string caption = picture.Caption is null ? "" : $"<div style=\"{Html.Small}\">{Html.Escape(picture.Caption)}</div>";
        return $"<td style=\"{Cell}\">{picture.ToImage(_width)}{caption}</td>";
    }
}

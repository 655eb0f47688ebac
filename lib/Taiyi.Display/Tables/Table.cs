using System.Reflection;
using System.Text;
using Taiyi.Display.Formatting;
using static TorchSharp.torch;

namespace Taiyi.Display;

/// <summary>Rows under column names. A cell that is a view (a picture, a chart) is shown as such.</summary>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class Table : View
{
    private const int MaxRows = 200;
    private const string Cell = "padding:3px 12px 3px 0;border:none;background:transparent;vertical-align:middle";
    private readonly IReadOnlyList<IReadOnlyList<object?>> _rows;
    private readonly string? _title;

    private Table(IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<object?>> rows, string? title)
    {
        if (rows.FirstOrDefault(row => row.Count != columns.Count) is { } odd)
        {
            throw new ArgumentException($"A table of {columns.Count} columns ({string.Join(", ", columns)}) got a row of {odd.Count} cells.");
        }

        (Columns, _rows, _title) = (columns, rows, title);
    }

    /// <summary>The names of the columns.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>How many rows there are; the first 200 are shown.</summary>
    public int Count => _rows.Count;

    /// <summary>A table of objects: a row each, a column for each public property, in their order of declaration.</summary>
    /// <param name="rows">Records, anonymous objects or tuples (a tuple's columns are Item1, Item2, …).</param>
    /// <param name="title">Text above the table.</param>
    public static Table Of<T>(IEnumerable<T> rows, string? title = null)
    {
        T[] values = [.. rows];
        Type type = typeof(T) == typeof(object) && values.Length > 0 ? values[0]!.GetType() : typeof(T);
        (string Name, Func<object?, object?> Read)[] columns =
        [
            .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.GetIndexParameters().Length == 0)
                .Select(property => (property.Name, (Func<object?, object?>)property.GetValue)),
            .. type.GetFields(BindingFlags.Public | BindingFlags.Instance).Select(field => (field.Name, (Func<object?, object?>)field.GetValue)),
        ];
        if (columns.Length == 0 || type.IsPrimitive || type == typeof(string))
        {
            columns = [("value", value => value)];
        }

        return new Table([.. columns.Select(column => column.Name)], [.. values.Select(value => (object?[])[.. columns.Select(column => column.Read(value))])], title);
    }

    /// <summary>A table of given columns and cells.</summary>
    /// <param name="columns">Column names.</param>
    /// <param name="rows">As many cells a row.</param>
    /// <param name="title">Text above the table.</param>
    /// <exception cref="ArgumentException">A row has another number of cells.</exception>
    public static Table Of(IEnumerable<string> columns, IEnumerable<IEnumerable<object?>> rows, string? title = null) =>
        new([.. columns], [.. rows.Select(row => (object?[])[.. row])], title);

    /// <summary>The parameters of a module: name, shape, count, dtype, and whether they are trained; the total at the end.</summary>
    /// <param name="module">The module; nothing of it is changed.</param>
    /// <param name="title">Text above the table; null tells the totals.</param>
    public static Table OfParameters(nn.Module module, string? title = null)
    {
        (string name, TorchSharp.Modules.Parameter parameter)[] all = [.. module.named_parameters()];
        long total = all.Sum(one => one.parameter.numel());
        long trained = all.Where(one => one.parameter.requires_grad).Sum(one => one.parameter.numel());
        return new Table(
            ["name", "shape", "parameters", "dtype", "trained"],
            [.. all.Select(one => (object?[])[one.name, one.parameter.shape, one.parameter.numel(), CellText.NameOf(one.parameter.dtype), one.parameter.requires_grad])],
            title ?? $"{Numbers.Count(total)} parameters, {Numbers.Count(trained)} of them trained");
    }

    /// <inheritdoc/>
    public override string ToHtml()
    {
        bool[] right = [.. Columns.Select((_, c) => IsNumeric(c))];
        StringBuilder html = new("<div style=\"overflow-x:auto\">");
        if (_title != null)
        {
            html.Append($"<div style=\"{Html.Small};font-weight:600\">{Html.Escape(_title)}</div>");
        }

        html.Append($"<table style=\"{Html.TableStyle};{Html.Small}\"><thead><tr style=\"{Html.RowStyle};border-bottom:{Html.Rule}\">");
        html.Append(string.Concat(Columns.Select((name, c) => $"<th style=\"{Cell};text-align:{Align(right[c])}\">{Html.Escape(name)}</th>")));
        html.Append("</tr></thead><tbody>");
        foreach (IReadOnlyList<object?> row in _rows.Take(MaxRows))
        {
            html.Append($"<tr style=\"{Html.RowStyle};border-bottom:{Html.Rule}\">");
            html.Append(string.Concat(row.Select((cell, c) => $"<td style=\"{Cell};text-align:{Align(right[c])}\">{(cell is View view ? view.ToHtml() : Html.Escape(CellText.Of(cell)))}</td>")));
            html.Append("</tr>");
        }

        html.Append("</tbody></table>");
        return html.Append(Rest is { } rest ? $"<div style=\"{Html.Small}\">{rest}</div></div>" : "</div>").ToString();
    }

    /// <inheritdoc/>
    public override string ToText()
    {
        string[][] cells = [[.. Columns], .. _rows.Take(MaxRows).Select(row => row.Select(CellText.Of).ToArray())];
        int[] widths = [.. Columns.Select((_, c) => cells.Max(row => row[c].Length))];
        IEnumerable<string> lines = cells.Select(row => string.Join("  ", row.Select((cell, c) => IsNumeric(c) ? cell.PadLeft(widths[c]) : cell.PadRight(widths[c]))).TrimEnd());
        return string.Join('\n', new[] { _title }.OfType<string>().Concat(lines).Concat(new[] { Rest }.OfType<string>()));
    }

    private string? Rest => _rows.Count > MaxRows ? $"… and {_rows.Count - MaxRows} more rows" : null;

    private bool IsNumeric(int column) => _rows.Count > 0 && _rows.All(row => row[column] is null || CellText.IsNumber(row[column]));

    private static string Align(bool right) => right ? "right" : "left";
}

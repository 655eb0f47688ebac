using System.Net;
using System.Reflection;
using System.Text;
using Microsoft.DotNet.Interactive.Formatting;

namespace Taiyi.Kernel.Engine;

/// <summary>A variable of the cells so far.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The type that it was declared with.</param>
/// <param name="Value">What it holds now.</param>
internal sealed record ScriptVariable(string Name, Type Type, object? Value);

/// <summary>Reads the variables out of the submissions of a notebook.</summary>
internal static class ScriptVariables
{
    private const int LongestValue = 200;

    // Values are shown by their short text: a list of a million numbers must not become a million rows.
    static ScriptVariables()
    {
        Formatter.Register<VariableList>((list, writer) => writer.Write(ToHtml(list)), HtmlFormatter.MimeType);
        Formatter.Register<VariableList>((list, writer) => writer.Write(ToText(list)), PlainTextFormatter.MimeType);
    }

    /// <summary>The variables by name; of several with one name the last, which is the one that a cell sees.</summary>
    public static VariableList Of(IEnumerable<object?> submissions)
    {
        SortedDictionary<string, ScriptVariable> variables = new(StringComparer.Ordinal);
        foreach (object submission in submissions.OfType<object>())
        {
            IEnumerable<FieldInfo> fields = submission.GetType().GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
                .Where(field => !field.Name.Contains('<') && !field.IsDefined(typeof(System.Runtime.CompilerServices.CompilerGeneratedAttribute)));
            foreach (FieldInfo field in fields)
            {
                variables[field.Name] = new ScriptVariable(field.Name, field.FieldType, field.GetValue(submission));
            }
        }

        return new VariableList([.. variables.Values]);
    }

    private static string ToHtml(VariableList list)
    {
        StringBuilder html = new("<table><thead><tr><th>Variable</th><th>Type</th><th>Value</th></tr></thead><tbody>");
        foreach (ScriptVariable variable in list)
        {
            html.Append("<tr>").AppendJoin("", Cells(variable).Select(cell => $"<td style=\"text-align:left\">{WebUtility.HtmlEncode(cell)}</td>")).Append("</tr>");
        }

        return html.Append("</tbody></table>").ToString();
    }

    private static string ToText(VariableList list) => string.Join('\n', list.Select(variable => string.Join("  ", Cells(variable))));

    private static string[] Cells(ScriptVariable variable)
    {
        string value;
        try
        {
            value = variable.Value.ToDisplayString(PlainTextSummaryFormatter.MimeType).ReplaceLineEndings(" ");
        }
        catch (Exception fault)
        {
            value = $"({fault.GetType().Name} while it was formatted)";
        }

        return [variable.Name, variable.Type.ToDisplayString(PlainTextFormatter.MimeType), value.Length > LongestValue ? value[..LongestValue] + "…" : value];
    }
}

/// <summary>What <c>#!whos</c> shows.</summary>
internal sealed class VariableList(IReadOnlyList<ScriptVariable> variables) : List<ScriptVariable>(variables);

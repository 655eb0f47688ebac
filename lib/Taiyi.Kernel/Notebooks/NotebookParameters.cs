using System.Globalization;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Taiyi.Kernel.Notebooks;

/// <summary>Sets variables of the cell tagged <c>parameters</c> from outside: a cell of assignments is put after it.</summary>
internal static class NotebookParameters
{
    private const string ParametersTag = "parameters";
    private const string InjectedTag = "injected-parameters";

    /// <summary>Puts the values into the notebook, in place of those of an earlier run.</summary>
    /// <exception cref="NotebookException">The notebook has no such cell or variable, or a value does not fit its variable.</exception>
    public static void Inject(NotebookDocument notebook, IReadOnlyDictionary<string, string> values, string file)
    {
        if (values.Count == 0)
        {
            return;
        }

        if (IndexOf(notebook, InjectedTag) is { } old)
        {
            notebook.RemoveCell(old);
        }

        int index = IndexOf(notebook, ParametersTag)
            ?? throw new NotebookException($"'{file}' takes no parameters: none of its cells has the tag '{ParametersTag}'.");
        Dictionary<string, VariableDeclaratorSyntax> variables = Variables(notebook.Cells[index].Source);
        StringBuilder code = new();
        foreach ((string name, string value) in values)
        {
            VariableDeclaratorSyntax variable = variables.GetValueOrDefault(name)
                ?? throw new NotebookException($"'{file}' has no parameter '{name}'; it has {string.Join(", ", variables.Keys)}.");
            code.Append(code.Length > 0 ? "\n" : "").Append(name).Append(" = ").Append(Literal(variable, value)).Append(';');
        }

        notebook.InsertCode(index + 1, code.ToString(), InjectedTag);
    }

    private static int? IndexOf(NotebookDocument notebook, string tag)
    {
        int index = notebook.Cells.ToList().FindIndex(cell => cell.IsCode && cell.Tags.Contains(tag));
        return index < 0 ? null : index;
    }

    private static Dictionary<string, VariableDeclaratorSyntax> Variables(string source) =>
        CSharpSyntaxTree.ParseText(source, new CSharpParseOptions(kind: SourceCodeKind.Script)).GetCompilationUnitRoot().Members
            .OfType<FieldDeclarationSyntax>()
            .SelectMany(field => field.Declaration.Variables)
            .GroupBy(variable => variable.Identifier.Text)
            .ToDictionary(group => group.Key, group => group.Last());

    // The declared type, or that of the default value where the cell says var, decides how the text is read.
    private static string Literal(VariableDeclaratorSyntax variable, string value)
    {
        TypeSyntax type = ((VariableDeclarationSyntax)variable.Parent!).Type;
        string kind = type.ToString().TrimEnd('?') is not "var" and var declared ? declared : KindOf(variable.Initializer?.Value);
        return kind switch
        {
            "string" or "String" => SymbolDisplay.FormatLiteral(value, quote: true),
            "bool" => bool.TryParse(value, out bool flag) ? (flag ? "true" : "false") : throw Misfit(variable, value, "true or false"),
            "int" or "long" => long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) ? value : throw Misfit(variable, value, "a whole number"),
            "double" or "float" or "decimal" => Number(variable, value) + (kind == "float" ? "f" : kind == "decimal" ? "m" : "d"),
            // Any other type takes a C# expression as it is.
            _ => value,
        };
    }

    private static string KindOf(ExpressionSyntax? value) => value switch
    {
        PrefixUnaryExpressionSyntax sign => KindOf(sign.Operand),
        InterpolatedStringExpressionSyntax => "string",
        LiteralExpressionSyntax { Token.Value: { } literal } => literal switch
        {
            string => "string",
            bool => "bool",
            int or long => "long",
            float => "float",
            double => "double",
            decimal => "decimal",
            _ => "",
        },
        _ => "",
    };

    private static string Number(VariableDeclaratorSyntax variable, string value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) ? value : throw Misfit(variable, value, "a number such as 0.5 or 1e-4");

    private static NotebookException Misfit(VariableDeclaratorSyntax variable, string value, string wanted) =>
        new($"The parameter '{variable.Identifier.Text}' is {wanted}, not '{value}'.");
}

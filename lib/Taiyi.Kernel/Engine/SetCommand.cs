using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;

namespace Taiyi.Kernel.Engine;

/// <summary>
/// <c>#!set --name NAME --value VALUE</c> as the C# that does the same on one line. VALUE is a text, <c>@input:"question"</c> or
/// <c>@password:"question"</c>; the value of another language is refused, since there is none here.
/// </summary>
internal static partial class SetCommand
{
    private const string Usage = "write #!set --name NAME --value TEXT, or --value @input:\"question\"";
    private const string Functions = "global::Microsoft.DotNet.Interactive.Kernel";

    /// <summary>The C# of the line, or null when it is another command.</summary>
    /// <exception cref="CellException">The line is malformed or asks for another language's value.</exception>
    public static string? TryToCode(string line)
    {
        if (!Name().IsMatch(line))
        {
            return null;
        }

        Match arguments = Arguments().Match(line);
        string name = arguments.Groups["name"].Value;
        string value = arguments.Groups["value"].Value.Trim();
        if (!arguments.Success || value.Length == 0)
        {
            throw new CellException($"#!set: {Usage}.");
        }

        return SyntaxFacts.IsValidIdentifier(name)
            ? $"var {name} = {Expression(value)};"
            : throw new CellException($"#!set: '{name}' is no name of a C# variable; {Usage}.");
    }

    private static string Expression(string value)
    {
        Match reference = Reference().Match(value);
        if (!reference.Success)
        {
            return Literal(Unquoted(value));
        }

        string prompt = Literal(Prompt(reference.Groups["argument"].Value));
        return reference.Groups["source"].Value switch
        {
            "input" => $"await {Functions}.GetInputAsync({prompt})",
            "password" => $"await {Functions}.GetPasswordAsync({prompt})",
            var other => throw new CellException($"#!set: the value @{other} is of another kernel, and this one runs alone; {Usage}."),
        };
    }

    // The question is a word, a quoted text, or JSON with a property prompt.
    private static string Prompt(string argument)
    {
        if (argument.StartsWith('{'))
        {
            try
            {
                return (string?)JsonNode.Parse(argument)?["prompt"] ?? "";
            }
            catch (Exception fault) when (fault is JsonException or InvalidOperationException)
            {
                throw new CellException($"#!set: {argument} is no JSON with a text \"prompt\"; {Usage}.");
            }
        }

        return Unquoted(argument);
    }

    private static string Unquoted(string text) => text.Length > 1 && text[0] is '"' or '\'' && text[^1] == text[0] ? text[1..^1] : text;

    private static string Literal(string text) => SymbolDisplay.FormatLiteral(text, quote: true);

    [GeneratedRegex(@"^\s*#!set(\s|$)")]
    private static partial Regex Name();

    [GeneratedRegex(@"^\s*#!set\s+(?:--name\s+(?<name>\S+)\s+--value\s+(?<value>.+)|--value\s+(?<value>.+?)\s+--name\s+(?<name>\S+))\s*$")]
    private static partial Regex Arguments();

    [GeneratedRegex(@"^@(?<source>[A-Za-z][\w-]*)(?::(?<argument>.*))?$")]
    private static partial Regex Reference();
}

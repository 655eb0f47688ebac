using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Taiyi.Kernel.Engine;

/// <summary>A stretch of a cell in one language.</summary>
internal abstract record CellPart;

/// <summary>C# with its references taken out: their lines are blank, so that every position is still the cell's own.</summary>
internal sealed record CodePart(string Code, IReadOnlyList<string> PackageSources, IReadOnlyList<string> References) : CellPart;

/// <summary>Text below <c>#!markdown</c>, shown as it is.</summary>
internal sealed record MarkdownPart(string Text) : CellPart;

/// <summary>A cell taken apart into languages and commands (<c>#!time</c>, <c>#r</c>, <c>#i</c>).</summary>
internal sealed partial record CellSource(IReadOnlyList<CellPart> Parts, bool IsTimed)
{
    private static readonly CSharpParseOptions ScriptOptions = new(LanguageVersion.Latest, kind: SourceCodeKind.Script);

    private static readonly string[] OtherLanguages =
        ["fsharp", "f#", "pwsh", "powershell", "html", "javascript", "js", "sql", "kql", "mermaid", "http", "value", "python", "r"];

    /// <summary>Takes a cell apart.</summary>
    /// <exception cref="CellException">The cell asks for a language or a command that this kernel does not have.</exception>
    public static CellSource Parse(string code)
    {
        List<CellPart> parts = [];
        bool isTimed = false;
        bool isMarkdown = false;
        int start = 0;
        foreach ((int position, int length, string command) in Commands(code))
        {
            bool? toMarkdown = command switch
            {
                "time" => null,
                "csharp" or "c#" or "C#" => false,
                "markdown" or "md" => true,
                _ => throw Refusal(command),
            };
            isTimed |= toMarkdown is null;
            if (toMarkdown is { } next)
            {
                AddPart(parts, code, start, position, isMarkdown);
                isMarkdown = next;
                start = position + length;
            }
        }

        AddPart(parts, code, start, code.Length, isMarkdown);
        return new CellSource(parts, isTimed);
    }

    private static CellException Refusal(string command) => OtherLanguages.Contains(command.ToLowerInvariant())
        ? new CellException($"#!{command}: this kernel runs C# and markdown only; write the cell in C#.")
        : new CellException($"#!{command}: no such command; the commands are #!csharp, #!markdown and #!time.");

    // A line within a string or a comment is no command. What follows #!markdown is not C#, so each stretch of C# is parsed alone.
    private static IEnumerable<(int Position, int Length, string Command)> Commands(string code)
    {
        int stretch = 0;
        bool isMarkdown = false;
        SyntaxNode? root = null;
        foreach (Match line in CommandLine().Matches(code))
        {
            string command = line.Groups["command"].Value;
            root ??= CSharpSyntaxTree.ParseText(code[stretch..], ScriptOptions).GetRoot();
            if (!isMarkdown && IsInsideText(root, line.Index - stretch))
            {
                continue;
            }

            yield return (line.Index, line.Length, command);
            isMarkdown = command is "markdown" or "md" || (isMarkdown && command == "time");
            stretch = line.Index + line.Length;
            root = null;
        }
    }

    private static void AddPart(List<CellPart> parts, string code, int start, int end, bool isMarkdown)
    {
        string text = code[start..end];
        if (string.IsNullOrWhiteSpace(text))
        {
            return;
        }

        parts.Add(isMarkdown ? new MarkdownPart(text.Trim('\r', '\n')) : ParseCode(Blank(code[..start]) + text));
    }

    private static CodePart ParseCode(string code)
    {
        List<string> sources = [];
        List<string> references = [];
        SyntaxNode? root = null;
        string rest = CommandOrReferenceLine().Replace(code, line =>
        {
            root ??= CSharpSyntaxTree.ParseText(code, ScriptOptions).GetRoot();
            if (IsInsideText(root, line.Index))
            {
                return line.Value;
            }

            if (line.Groups["value"] is { Success: true, Value: string value })
            {
                (line.Groups["kind"].Value == "i" ? sources : references).Add(value);
            }

            return Blank(line.Value);
        });
        return new CodePart(rest, sources, references);
    }

    private static string Blank(string text) => string.Concat(text.Select(c => c is '\r' or '\n' ? c : ' '));

    private static bool IsInsideText(SyntaxNode root, int position)
    {
        SyntaxToken token = root.FindToken(position);
        SyntaxTrivia trivia = root.FindTrivia(position);
        return (token.SpanStart < position && position < token.Span.End)
            || (trivia.RawKind != 0 && trivia.SpanStart < position && position < trivia.Span.End && !trivia.IsDirective
                && !trivia.IsKind(SyntaxKind.WhitespaceTrivia) && !trivia.IsKind(SyntaxKind.DisabledTextTrivia) && !trivia.IsKind(SyntaxKind.SkippedTokensTrivia));
    }

    [GeneratedRegex(@"^[ \t]*#!(?<command>[^\s]+)[^\r\n]*", RegexOptions.Multiline)]
    private static partial Regex CommandLine();

    [GeneratedRegex(@"^[ \t]*(#![^\s]+[^\r\n]*|#(?<kind>[ri])[ \t]+""(?<value>[^""\r\n]+)""[ \t]*(//[^\r\n]*)?)", RegexOptions.Multiline)]
    private static partial Regex CommandOrReferenceLine();
}

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

/// <summary>A list that <c>#!lsmagic</c>, <c>#!who</c> or <c>#!whos</c> asks for.</summary>
internal sealed record ListingPart(Listing Kind) : CellPart;

/// <summary>What a <see cref="ListingPart"/> lists.</summary>
internal enum Listing
{
    /// <summary>The commands of this kernel.</summary>
    Commands,

    /// <summary>The names of the variables.</summary>
    Names,

    /// <summary>The variables with types and values.</summary>
    Variables,
}

/// <summary>A cell taken apart into languages and commands (<c>#!time</c>, <c>#r</c>, <c>#i</c>).</summary>
internal sealed partial record CellSource(IReadOnlyList<CellPart> Parts, bool IsTimed)
{
    private static readonly CSharpParseOptions ScriptOptions = new(LanguageVersion.Latest, kind: SourceCodeKind.Script);

    private static readonly string[] OtherLanguages =
        ["fsharp", "f#", "pwsh", "powershell", "html", "javascript", "js", "sql", "kql", "mermaid", "http", "value", "python", "r"];

    /// <summary>The commands with what they do.</summary>
    public static IReadOnlyList<(string Name, string Meaning)> Commands { get; } =
    [
        ("#!csharp", "what follows is C#"),
        ("#!markdown", "what follows is shown as Markdown"),
        ("#!time", "shows how long the cell ran"),
        ("#!set", "sets a variable: #!set --name city --value @input:\"Which city?\""),
        ("#!who", "names the variables of all cells so far"),
        ("#!whos", "shows them with types and values"),
        ("#!lsmagic", "shows this list"),
        ("#r", "refers to an assembly or a package: #r \"nuget: Name, Version\""),
        ("#i", "names a source of packages: #i \"nuget: URL or folder\""),
        ("#load", "runs a file of C#"),
    ];

    /// <summary>Takes a cell apart.</summary>
    /// <exception cref="CellException">The cell asks for a language or a command that this kernel does not have.</exception>
    public static CellSource Parse(string code)
    {
        List<CellPart> parts = [];
        bool isTimed = false;
        bool isMarkdown = false;
        int start = 0;
        foreach ((int position, int length, string command) in CommandLines(code))
        {
            switch (command)
            {
                case "time":
                    isTimed = true;
                    continue;
                case "set":
                    continue; // becomes C# in its place, and in Markdown it is text
                case "csharp" or "c#" or "C#" or "markdown" or "md" or "who" or "whos" or "lsmagic":
                    break;
                default:
                    throw Refusal(command);
            }

            AddPart(parts, code, start, position, isMarkdown);
            start = position + length;
            if (ListingOf(command) is { } listing)
            {
                parts.Add(new ListingPart(listing));
            }

            isMarkdown = command is "markdown" or "md";
        }

        AddPart(parts, code, start, code.Length, isMarkdown);
        return new CellSource(parts, isTimed);
    }

    private static Listing? ListingOf(string command) => command switch
    {
        "lsmagic" => Listing.Commands,
        "who" => Listing.Names,
        "whos" => Listing.Variables,
        _ => null,
    };

    private static CellException Refusal(string command) => command switch
    {
        "share" => new CellException("#!share: this kernel has no other language to share a value with; a variable of an earlier cell is there without it."),
        _ when OtherLanguages.Contains(command.ToLowerInvariant()) => new CellException($"#!{command}: this kernel runs C# and markdown only; write the cell in C#."),
        _ => new CellException($"#!{command}: no such command; the commands are {string.Join(", ", Commands.Select(known => known.Name).Where(name => name.StartsWith("#!", StringComparison.Ordinal)))}."),
    };

    // A line within a string or a comment is no command. What follows #!markdown is not C#, so each stretch of C# is parsed alone.
    private static IEnumerable<(int Position, int Length, string Command)> CommandLines(string code)
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
            isMarkdown = command is "markdown" or "md" || (isMarkdown && command is "time" or "set");
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

            return SetCommand.TryToCode(line.Value) ?? Blank(line.Value);
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

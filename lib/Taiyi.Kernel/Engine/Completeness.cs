using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Taiyi.Kernel.Engine;

/// <summary>Whether a text can be run as it stands.</summary>
public enum CompletenessStatus
{
    /// <summary>It can.</summary>
    Complete,

    /// <summary>More lines must follow.</summary>
    Incomplete,

    /// <summary>No further line makes it valid.</summary>
    Invalid,
}

/// <summary>An answer to "may Enter run this?" for a console.</summary>
/// <param name="Status">Whether the text can be run.</param>
/// <param name="Indent">White space to begin the next line with; empty unless the text is incomplete.</param>
public sealed record Completeness(CompletenessStatus Status, string Indent)
{
    internal static Completeness Of(string code)
    {
        string script;
        try
        {
            script = CellSource.Parse(code).Parts.OfType<CodePart>().LastOrDefault()?.Code ?? "";
        }
        catch (CellException)
        {
            // Running it says what is wrong with its command.
            return new Completeness(CompletenessStatus.Complete, "");
        }

        SyntaxTree tree = CSharpSyntaxTree.ParseText(script, CellCompiler.ParseOptions);
        if (!SyntaxFactory.IsCompleteSubmission(tree))
        {
            return new Completeness(CompletenessStatus.Incomplete, NextIndent(script));
        }

        bool isInvalid = tree.GetDiagnostics().Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
        return new Completeness(isInvalid ? CompletenessStatus.Invalid : CompletenessStatus.Complete, "");
    }

    private static string NextIndent(string script)
    {
        string line = script.Split('\n').Last(text => text.Trim().Length > 0).TrimEnd();
        string indent = line[..(line.Length - line.TrimStart().Length)];
        return line[^1] is '{' or '(' or '[' ? indent + "    " : indent;
    }
}

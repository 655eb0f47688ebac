using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Scripting;

namespace Taiyi.Kernel.Engine;

/// <summary>Turns an exception into what a notebook's reader needs: the message, then only frames of cells and libraries.</summary>
/// <param name="isCell">Tells the assemblies of cells from all others.</param>
internal sealed class Traceback(Func<Assembly, bool> isCell)
{
    private const int FramesAtEachEnd = 12;

    /// <summary>The error output of an exception that a cell threw or that its compilation gave.</summary>
    public ErrorOutput Describe(Exception exception)
    {
        if (exception is CompilationErrorException compilation)
        {
            string[] errors = [.. compilation.Diagnostics.Select(Describe)];
            return errors.Length == 0
                ? new ErrorOutput(nameof(CompilationErrorException), exception.Message, [exception.Message])
                : new ErrorOutput(nameof(CompilationErrorException), string.Join('\n', errors), errors);
        }

        if (exception is CellException)
        {
            return new ErrorOutput(nameof(CellException), exception.Message, [exception.Message]);
        }

        List<string> lines = [];
        AddWithCauses(lines, exception, "");
        return new ErrorOutput(exception.GetType().FullName!, exception.Message, lines);
    }

    /// <summary>The error output of a cell that was interrupted.</summary>
    /// <param name="details">Where it stopped, or why it could not be stopped.</param>
    public static ErrorOutput Interrupted(IReadOnlyList<string> details)
    {
        const string Message = "The cell was interrupted.";
        return new ErrorOutput(typeof(OperationCanceledException).FullName!, Message, [Message, .. details]);
    }

    /// <summary>The frames of an exception that mean something to the cell's author, innermost first.</summary>
    public IReadOnlyList<string> Frames(Exception exception)
    {
        StackFrame[] frames = new StackTrace(exception, fNeedFileInfo: true).GetFrames();
        if (frames.Length <= 4 * FramesAtEachEnd)
        {
            return [.. frames.Select(Describe).OfType<string>()];
        }

        // Endless recursion has a hundred thousand frames: the first and the last tell all of it.
        return
        [
            .. frames.Select(Describe).OfType<string>().Take(FramesAtEachEnd),
            $"   … about {frames.Length - (2 * FramesAtEachEnd)} more …",
            .. frames.Reverse().Select(Describe).OfType<string>().Take(FramesAtEachEnd).Reverse(),
        ];
    }

    private static string Describe(Diagnostic diagnostic)
    {
        // What concerns no place in the text, such as an import of the kernel's own, has no path.
        FileLinePositionSpan span = diagnostic.Location.GetLineSpan();
        string path = span.Path ?? "";
        string file = path.StartsWith("Cell ", StringComparison.Ordinal) ? "" : Path.GetFileName(path);
        string position = diagnostic.Location.IsInSource
            ? string.Create(CultureInfo.InvariantCulture, $"{file}({span.StartLinePosition.Line + 1},{span.StartLinePosition.Character + 1}): ")
            : "";
        return $"{position}error {diagnostic.Id}: {diagnostic.GetMessage(CultureInfo.InvariantCulture)}";
    }

    private void AddWithCauses(List<string> lines, Exception exception, string prefix)
    {
        lines.Add($"{prefix}{exception.GetType().FullName}: {exception.Message}");
        lines.AddRange(Frames(exception));
        if (exception.InnerException is { } cause)
        {
            AddWithCauses(lines, cause, " ---> ");
        }
    }

    private string? Describe(StackFrame frame)
    {
        if (frame.GetMethod() is not { } method || IsMachinery(method))
        {
            return null;
        }

        string name = MethodName(method);
        string place = frame.GetFileName() is { } file && frame.GetFileLineNumber() > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(file)}, line {frame.GetFileLineNumber()}")
            : "";
        return (name.Length, place.Length) switch
        {
            (0, 0) => null,
            (0, _) => $"   at {place}",
            (_, 0) => $"   at {name}",
            _ => $"   at {name} in {place}",
        };
    }

    private bool IsMachinery(MethodBase method)
    {
        Type? type = method.DeclaringType;
        if (method.IsDefined(typeof(StackTraceHiddenAttribute), inherit: false) || type?.IsDefined(typeof(StackTraceHiddenAttribute), inherit: false) == true)
        {
            return true;
        }

        string space = type?.Namespace ?? "";
        return type?.Assembly == typeof(Traceback).Assembly
            || space is "System.Runtime.CompilerServices" or "System.Runtime.ExceptionServices" or "System.Threading" or "System.Threading.Tasks"
            || (type is not null && isCell(type.Assembly) && method.Name is "<Factory>" or "<Initialize>");
    }

    // The compiler's names of state machines, lambdas and local functions back into those that the author wrote.
    private string MethodName(MethodBase method)
    {
        string name = Readable(method.Name);
        Type? type = method.DeclaringType;
        while (type is not null && type.Name.StartsWith('<'))
        {
            name = method.Name is "MoveNext" or "<MoveNext>" ? Readable(type.Name) : name;
            type = type.DeclaringType;
        }

        if (type is not null && isCell(type.Assembly))
        {
            string owner = type.FullName!.Split('+') is [_, .. { Length: > 0 } nested] ? string.Join('.', nested) + "." : "";
            return name == "<Initialize>" || name.Length == 0 ? "" : owner + name + Parameters(method);
        }

        return (type is null ? "" : type.FullName + ".") + name + Parameters(method);
    }

    private static string Readable(string name)
    {
        if (name.StartsWith("<<", StringComparison.Ordinal))
        {
            return name.Contains(">b__", StringComparison.Ordinal) ? "lambda" : "<Initialize>";
        }

        if (!name.StartsWith('<') || name.IndexOf('>', StringComparison.Ordinal) is var end && end < 0)
        {
            return name;
        }

        string kind = name[(end + 1)..];
        return kind.StartsWith("g__", StringComparison.Ordinal) ? kind[3..].Split('|')[0]
            : kind.StartsWith("b__", StringComparison.Ordinal) ? "lambda"
            : name[1..end];
    }

    private static string Parameters(MethodBase method) =>
        method.Name == "MoveNext" ? "()" : $"({string.Join(", ", method.GetParameters().Select(parameter => $"{parameter.ParameterType.Name} {parameter.Name}"))})";
}

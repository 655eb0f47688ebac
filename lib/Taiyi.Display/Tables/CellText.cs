using System.Collections;
using System.Globalization;
using Taiyi.Display.Formatting;
using static TorchSharp.torch;

namespace Taiyi.Display;

/// <summary>A value as the text of a table cell.</summary>
internal static class CellText
{
    /// <summary>Four digits of a real number, every digit of a whole one, the elements of a list in parentheses, the shape of a tensor.</summary>
    public static string Of(object? value) => value switch
    {
        null => "",
        string text => text,
        bool yes => yes ? "yes" : "no",
        double number => Numbers.Short(number),
        float number => Numbers.Short(number),
        TimeSpan time => Numbers.Duration(time),
        Tensor tensor => $"{NameOf(tensor.dtype)} ({string.Join(", ", tensor.shape)})",
        View view => view.ToText(),
        IEnumerable several => $"({string.Join(", ", several.Cast<object?>().Select(Of))})",
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    /// <summary>Whether a value stands at the right of its column.</summary>
    public static bool IsNumber(object? value) => value is sbyte or byte or short or ushort or int or uint or long or ulong or float or double or decimal or TimeSpan;

    /// <summary>PyTorch's name of a dtype.</summary>
    public static string NameOf(ScalarType dtype) => dtype.ToString().ToLowerInvariant() switch
    {
        "byte" => "uint8",
        "int8" => "int8",
        var name => name,
    };
}

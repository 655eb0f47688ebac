using System.Globalization;
using System.Text.RegularExpressions;

namespace Taiyi.Lora;

/// <summary>A LoRA as it is named on a command line: <c>FILE</c> or <c>FILE:WEIGHT</c>.</summary>
/// <param name="Path">The file or folder.</param>
/// <param name="Weight">What its update is multiplied by; 1 where none is given.</param>
public sealed partial record LoraReference(string Path, double Weight)
{
    /// <summary>
    /// Splits a text. Only a number after the last colon is a weight, and never right after a single letter, which is a
    /// Windows drive: <c>C:\style.safetensors:0.7</c>.
    /// </summary>
    /// <param name="text">Such as <c>emoji.safetensors:0.8</c>; the weight may be negative.</param>
    /// <exception cref="ArgumentException">The text is empty.</exception>
    public static LoraReference Parse(string text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            throw new ArgumentException("A LoRA is named as FILE or FILE:WEIGHT, such as emoji.safetensors:0.8; the text is empty.");
        }

        Match match = WithWeight().Match(text);
        return match.Success
            ? new LoraReference(match.Groups["path"].Value, double.Parse(match.Groups["weight"].Value, CultureInfo.InvariantCulture))
            : new LoraReference(text, 1);
    }

    [GeneratedRegex(@"^(?<path>(?![A-Za-z]:[^:]*$).+):(?<weight>[+-]?(?:\d+(?:\.\d*)?|\.\d+))$", RegexOptions.Singleline)]
    private static partial Regex WithWeight();
}

using Taiyi.Files;

namespace Taiyi.Display;

/// <summary>A check of a notebook failed while <see cref="Check.Strict"/> asks for all to pass.</summary>
/// <param name="result">The failed check.</param>
public sealed class CheckFailedException(CheckResult result) : TaiyiException(result.ToText())
{
    /// <summary>The failed check.</summary>
    public CheckResult Result => result;
}

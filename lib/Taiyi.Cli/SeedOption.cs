using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Taiyi.Cli;

/// <summary>
/// The option <c>--seed</c> of verbs that draw with torch: its 64 bits, as other tools write them. 2^64 - 1 and -1 are one seed, as in
/// <c>torch.manual_seed</c>.
/// </summary>
internal static class SeedOption
{
    /// <summary>A seed, null where the user gives none.</summary>
    public static Option<long?> Create(string description) => new("--seed")
    {
        Description = description,
        HelpName = "N",
        CustomParser = Parse,
    };

    private static long? Parse(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong unsigned))
        {
            return unchecked((long)unsigned);
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long signed))
        {
            return signed;
        }

        result.AddError($"--seed is {text}; it must be a whole number from 0 to {ulong.MaxValue}, which is 2^64 - 1.");
        return null;
    }
}

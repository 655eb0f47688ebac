using Microsoft.DotNet.Interactive.Formatting;

namespace Taiyi.Kernel.Engine;

/// <summary>Brings displayed values of the formatting package to the outputs of the cell that shows them.</summary>
internal static class CellDisplays
{
    // By the identifier that a value was shown under: a background task of an earlier cell may update it after that cell has ended.
    private static readonly System.Runtime.CompilerServices.ConditionalWeakTable<DisplayedValue, CellContext> ShownBy = [];
    private static int s_subscribed;

    /// <summary>Listens to what is shown and updated by way of the formatting package, in this process.</summary>
    public static void Subscribe()
    {
        if (Interlocked.Exchange(ref s_subscribed, 1) == 0)
        {
            Formatter.SubscribeToDisplayedValues(value => Publish(value, isUpdate: value.IsUpdated && ShownBy.TryGetValue(value, out _)));
        }
    }

    /// <summary>Shows a value in its preferred MIME types and as text, or in the given ones.</summary>
    public static DisplayedValue Show(object? value, string[] mimeTypes) =>
        Publish(new DisplayedValue(value, [.. MimeBundle.FromObject(value, mimeTypes).Values.Select(pair => new FormattedValue(pair.Key, pair.Value))]), isUpdate: false);

    /// <summary>Shows a text that is already in the given MIME type.</summary>
    public static DisplayedValue ShowAs(string value, string mimeType) =>
        Publish(new DisplayedValue(value, [new FormattedValue(mimeType, value)]), isUpdate: false);

    // The handle that the package's own DisplayAs gives was never shown; its update is then an output of its own, not a silence.
    private static DisplayedValue Publish(DisplayedValue value, bool isUpdate)
    {
        CellContext? context = CellContext.Current ?? (ShownBy.TryGetValue(value, out CellContext? first) ? first : null);
        if (context is null)
        {
            Formatter.WriteToConsole(value);
            return value;
        }

        ShownBy.AddOrUpdate(value, context);
        context.Output.Publish(new DisplayOutput(MimeBundle.FromFormatted(value.FormattedValues), value.DisplayId, isUpdate));
        return value;
    }
}

using Taiyi.Kernel.Engine;

namespace Microsoft.DotNet.Interactive.Formatting;

/// <summary>A handle on something shown in a notebook, through which it can be replaced in place.</summary>
public sealed class DisplayedValue
{
    private readonly CellContext? _shownBy;

    internal DisplayedValue(object? value, IReadOnlyList<FormattedValue> formattedValues)
    {
        Value = value;
        FormattedValues = formattedValues;
        _shownBy = CellContext.Current;
        Publish(isUpdate: false);
    }

    /// <summary>Names the output in the notebook.</summary>
    public string DisplayId { get; } = Guid.NewGuid().ToString("N");

    /// <summary>True once <see cref="Update"/> was called.</summary>
    public bool IsUpdated { get; private set; }

    /// <summary>What is shown now, by MIME type.</summary>
    public IReadOnlyList<FormattedValue> FormattedValues { get; private set; }

    /// <summary>The value shown now.</summary>
    public object? Value { get; private set; }

    /// <summary>Shows another value in the same place, in the MIME types of the first one.</summary>
    public void Update(object? updatedValue)
    {
        FormattedValues = FormattedValue.CreateManyFromObject(updatedValue, [.. FormattedValues.Select(value => value.MimeType)]);
        Value = updatedValue;
        IsUpdated = true;
        Publish(isUpdate: true);
    }

    // A background task of an earlier cell may update after that cell has ended: its own context still reaches the front end.
    private void Publish(bool isUpdate)
    {
        MimeBundle data = MimeBundle.FromFormatted(FormattedValues);
        if ((CellContext.Current ?? _shownBy) is { } context)
        {
            context.Output.Publish(new DisplayOutput(data, DisplayId, isUpdate));
        }
        else
        {
            Console.WriteLine(data.PlainText);
        }
    }
}

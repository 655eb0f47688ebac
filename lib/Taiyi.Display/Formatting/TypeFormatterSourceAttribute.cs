namespace Taiyi.Display.Formatting;

/// <summary>
/// Tells .NET Interactive which class makes the formatters of a type. It looks for an attribute of this NAME with these two
/// properties, whatever assembly it comes from, so that this library needs no package of .NET Interactive.
/// </summary>
/// <remarks>dotnet/interactive, src/Microsoft.DotNet.Interactive.Formatting/Formatter.cs, TryRegisterFromConventionBasedFormatterSources.</remarks>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class TypeFormatterSourceAttribute(Type formatterSourceType) : Attribute
{
    /// <summary>A class with a public constructor without parameters and a method CreateTypeFormatters.</summary>
    public Type FormatterSourceType { get; } = formatterSourceType;

    /// <summary>The mime types in which a value is delivered when the cell asks for none.</summary>
    public string[]? PreferredMimeTypes { get; set; }
}

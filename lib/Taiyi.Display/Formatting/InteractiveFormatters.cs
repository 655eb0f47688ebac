using System.Reflection;
using Plotly.NET;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using TorchSharp;

namespace Taiyi.Display.Formatting;

/// <summary>
/// Shows types of other libraries as views too: Plotly.NET's charts, TorchSharp's tensors and modules, ImageSharp's pictures, which can't carry
/// <see cref="TypeFormatterSourceAttribute"/>. Talks to whatever version of .NET Interactive's formatting the process holds.
/// </summary>
internal static class InteractiveFormatters
{
    private const string FormattingAssembly = "Microsoft.DotNet.Interactive.Formatting";

    // Each case of the union too: the formatter of a case is taken before that of the union, which Plotly.NET.Interactive replaces
    // by one that loads its script from the network.
    private static readonly (Type Type, Func<object, View> ToView)[] Shown =
    [
        .. typeof(GenericChart).GetNestedTypes().Where(kind => kind.IsSubclassOf(typeof(GenericChart))).Append(typeof(GenericChart))
            .Select(kind => (kind, (Func<object, View>)(chart => new ChartView((GenericChart)chart)))),
        (typeof(torch.Tensor), tensor => new TensorView((torch.Tensor)tensor)),
        (typeof(Image<Rgb24>), image => new ImageView((Image<Rgb24>)image)),
        (typeof(torch.nn.Module), module => new ModuleSummary((torch.nn.Module)module)),
    ];

    /// <summary>Registers the types with the formatting assembly, which may be loaded before or after.</summary>
    internal static void RegisterWhereFound()
    {
        AppDomain.CurrentDomain.AssemblyLoad += (_, loaded) => RegisterIn(loaded.LoadedAssembly);
        foreach (Assembly assembly in AppDomain.CurrentDomain.GetAssemblies())
        {
            RegisterIn(assembly);
        }
    }

    private static void RegisterIn(Assembly assembly)
    {
        if (assembly.GetName().Name != FormattingAssembly || assembly.GetType(FormattingAssembly + ".Formatter") is not { } formatter)
        {
            return;
        }

        MethodInfo? register = formatter.GetMethod("Register", [typeof(Type), typeof(Action<object, TextWriter>), typeof(string)]);
        MethodInfo? prefer = formatter.GetMethod("SetPreferredMimeTypesFor", [typeof(Type), typeof(string[])]);
        foreach ((Type type, Func<object, View> toView) in Shown)
        {
            register?.Invoke(null, [type, (Action<object, TextWriter>)((value, writer) => writer.Write(toView(value).ToHtml())), MimeTypes.Html]);
            register?.Invoke(null, [type, (Action<object, TextWriter>)((value, writer) => writer.Write(toView(value).ToText())), MimeTypes.Text]);
            prefer?.Invoke(null, [type, new[] { MimeTypes.Html, MimeTypes.Text }]);
        }
    }
}

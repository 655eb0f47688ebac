using System.Text;
using Taiyi.Display.Formatting;
using static TorchSharp.torch;

namespace Taiyi.Display;

/// <summary>A module as a tree that can be unfolded: each layer's kind, the shapes of its weights, its parameters and their dtype.</summary>
/// <remarks>Reads the module once, when it is made. Unfolding needs no script.</remarks>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class ModuleSummary : View
{
    private readonly Layer _root;
    private readonly int _depth;

    /// <summary>Summarises a module.</summary>
    /// <param name="module">The module; nothing of it is changed.</param>
    /// <param name="depth">How many levels are unfolded at first, and shown as text.</param>
    /// <param name="name">What to call it; null takes its type.</param>
    public ModuleSummary(nn.Module module, int depth = 2, string? name = null)
    {
        _root = Layer.Read(name ?? module.GetType().Name, module);
        _depth = depth;
    }

    /// <summary>All parameters.</summary>
    public long Parameters => _root.Parameters;

    /// <summary>Those that a training changes.</summary>
    public long TrainedParameters => _root.Trained;

    /// <inheritdoc/>
    public override string ToHtml() => $"<div style=\"{Html.Small};max-width:760px\">{ToHtml(_root, 0)}<div style=\"margin-top:4px\">{Totals}</div></div>";

    /// <inheritdoc/>
    public override string ToText()
    {
        StringBuilder text = new();
        Append(text, _root, 0);
        return text.Append(Totals).ToString();
    }

    private string Totals => $"{Numbers.Count(Parameters)} parameters, {Numbers.Count(TrainedParameters)} of them trained";

    private string ToHtml(Layer layer, int level)
    {
        string line = $"<b>{Html.Escape(layer.Name)}</b> <span style=\"opacity:.75\">{Html.Escape(layer.Kind)}</span> {Html.Escape(layer.Shapes)} " +
            $"<span style=\"float:right;margin-left:16px;font-variant-numeric:tabular-nums\">{Count(layer)}</span>";
        string style = $"border-bottom:{Html.Rule};padding:1px 0";
        if (layer.Children.Count == 0)
        {
            return $"<div style=\"{style};padding-left:15px\">{line}</div>";
        }

        string children = string.Concat(layer.Children.Select(child => ToHtml(child, level + 1)));
        return $"<details{(level < _depth ? " open=\"open\"" : "")}><summary style=\"{style};cursor:pointer;display:list-item\">{line}</summary><div style=\"margin-left:18px\">{children}</div></details>";
    }

    private void Append(StringBuilder text, Layer layer, int level)
    {
        string shapes = layer.Shapes.Length == 0 ? "" : " " + layer.Shapes;
        text.Append($"{new string(' ', 2 * level)}{layer.Name}: {layer.Kind}{shapes}, {Count(layer)}\n");
        foreach (Layer child in level < _depth ? layer.Children : [])
        {
            Append(text, child, level + 1);
        }
    }

    private static string Count(Layer layer)
    {
        string frozen = layer.Parameters > 0 && layer.Trained == 0 ? ", frozen" : "";
        return $"{Numbers.Count(layer.Parameters)}{(layer.DType.Length == 0 ? "" : " " + layer.DType)}{frozen}";
    }

    /// <summary>One module of the tree; its numbers include those of its children.</summary>
    private sealed record Layer(string Name, string Kind, string Shapes, string DType, long Parameters, long Trained, IReadOnlyList<Layer> Children)
    {
        public static Layer Read(string name, nn.Module module)
        {
            Layer[] children = [.. module.named_children().Select(child => Read(child.name, child.module))];
            TorchSharp.Modules.Parameter[] own = [.. module.named_parameters(recurse: false).Select(one => one.parameter)];
            string[] dtypes = [.. module.parameters().Select(parameter => CellText.NameOf(parameter.dtype)).Distinct()];
            return new Layer(
                name,
                module.GetType().Name,
                string.Join(" ", module.named_parameters(recurse: false).Select(one => $"{one.name} ({string.Join(", ", one.parameter.shape)})")),
                string.Join("/", dtypes),
                own.Sum(parameter => parameter.numel()) + children.Sum(child => child.Parameters),
                own.Where(parameter => parameter.requires_grad).Sum(parameter => parameter.numel()) + children.Sum(child => child.Trained),
                children);
        }
    }
}

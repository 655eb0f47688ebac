using Taiyi.Display.Formatting;
using Taiyi.Models;

namespace Taiyi.Display;

/// <summary>A UNet as the letter that it is named after: its blocks with their outputs' shapes, the skip connections, and where the caption enters.</summary>
/// <remarks>Shapes follow from the configuration, for one picture. Each block leads to the file that computes it.</remarks>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class UNetDiagram : View
{
    private const string Plain = "#4c8bf5", Attending = "#e8663c", Ends = "#8a8f98";
    private const double Left = 150, Right = 690, BoxWidth = 196, BoxHeight = 46, Floor = 78;
    private readonly List<Block> _down = [], _up = [];
    private readonly Block _middle, _first, _last;
    private readonly string? _files;

    /// <summary>Reads the shapes.</summary>
    /// <param name="config">The network's settings.</param>
    /// <param name="files">The folder <c>lib/Taiyi</c> as seen from the page, for links to the files; null for none.</param>
    /// <param name="sampleSize">Height and width of the latents; null takes the settings'.</param>
    public UNetDiagram(UNet2DConditionConfig config, string? files = null, int? sampleSize = null)
    {
        _files = files;
        int levels = config.BlockOutChannels.Count, side = sampleSize ?? config.SampleSize ?? 64;
        _first = new Block("conv_in", config.BlockOutChannels[0], side, false);
        for (int i = 0; i < levels; i++)
        {
            side = i < levels - 1 ? (side + 1) / 2 : side; // the last block down keeps the size
            _down.Add(new Block($"down_blocks.{i}", config.BlockOutChannels[i], side, Attends(config.DownBlockTypes[i])));
        }

        _middle = new Block("mid_block", config.BlockOutChannels[^1], side, true);
        for (int i = 0; i < levels; i++)
        {
            side = i < levels - 1 ? 2 * side : side;
            _up.Add(new Block($"up_blocks.{i}", config.BlockOutChannels[levels - 1 - i], side, Attends(config.UpBlockTypes[i])));
        }

        _last = new Block("conv_out", config.OutChannels, side, false);
        static bool Attends(string type) => type.StartsWith("CrossAttn", StringComparison.Ordinal);
    }

    /// <inheritdoc/>
    public override string ToHtml()
    {
        double height = 104 + (Floor * (_down.Count + 1)), middle = (Left + Right) / 2, bottom = FloorOf(_down.Count) + 40;
        Drawing drawing = new(840, height, "The UNet 去噪网络的结构", _files);
        DrawBlock(drawing, _first, Left, 34, Ends, "Models/UNet/UNet2DConditionModel.cs");
        DrawBlock(drawing, _last, Right, 34, Ends, "Models/UNet/UNet2DConditionModel.cs");
        DrawBlock(drawing, _middle, middle, bottom, Attending, "Models/UNet/UNetMidBlock2DCrossAttn.cs");
        for (int i = 0; i < _down.Count; i++)
        {
            (Block down, Block up) = (_down[i], _up[^(i + 1)]);
            double y = FloorOf(i);
            DrawBlock(drawing, down, Left, y, down.Attends ? Attending : Plain, "Models/UNet/DownBlock2D.cs");
            DrawBlock(drawing, up, Right, y, up.Attends ? Attending : Plain, "Models/UNet/UpBlock2D.cs");
            drawing.Arrow(null, false, (Left, y - Floor + (BoxHeight / 2)), (Left, y - (BoxHeight / 2)));
            drawing.Arrow(null, false, (Right, y - (BoxHeight / 2)), (Right, y - Floor + (BoxHeight / 2)));
            drawing.Arrow(i == 0 ? "skip connections 跳跃连接" : null, true, (Left + (BoxWidth / 2), y), (Right - (BoxWidth / 2), y));
        }

        drawing.Arrow(null, false, (Left, FloorOf(_down.Count - 1) + (BoxHeight / 2)), (Left, bottom), (middle - (BoxWidth / 2), bottom));
        drawing.Arrow(null, false, (middle + (BoxWidth / 2), bottom), (Right, bottom), (Right, FloorOf(_down.Count - 1) + (BoxHeight / 2)));
        drawing.Text(middle, 30, "x_t → ε", "font-size=\"15\"");
        drawing.Text(middle, 52, "timestep 时间步: into every resnet", "opacity=\".8\"");
        drawing.Text(middle, bottom + 46, "orange: the caption enters by cross-attention 橙色：文字由交叉注意力进入", "opacity=\".8\"");
        return $"<div>{drawing.Finish()}</div>";
    }

    /// <inheritdoc/>
    public override string ToText() => string.Join('\n', ((Block[])[_first, .. _down, _middle, .. _up, _last]).Select(block =>
        $"{block.Name}: {block.Shape}{(block.Attends ? ", cross-attention" : "")}"));

    private static double FloorOf(int level) => 34 + (Floor * (level + 1));

    private static void DrawBlock(Drawing drawing, Block block, double x, double y, string colour, string file) =>
        drawing.Box(x, y, BoxWidth, BoxHeight, colour, file, block.Name, block.Shape);

    private sealed record Block(string Name, int Channels, int Side, bool Attends)
    {
        public string Shape => $"(1, {Channels}, {Side}, {Side})";
    }
}

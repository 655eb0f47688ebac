using Taiyi.Workshop.Composing;

namespace Taiyi.Workshop.Pretraining;

/// <summary>Where a drawing lies in the picture, in shares of the picture's side: its middle and its own side.</summary>
internal readonly record struct Placement(float X, float Y, float Size)
{
    /// <summary>In the middle, with a margin as wide as an outline or a frame needs: what a prompt without words for the size asks for.</summary>
    public static readonly Placement Usual = new(0.5f, 0.5f, 0.9f);
}

/// <summary>How a drawing is shown in one training picture. Its caption says the same in words.</summary>
/// <remarks>
/// A model that saw every drawing in the middle of white paper has nothing to bend when a LoRA asks for other grounds: variation is
/// what keeps the base from learning pictures by heart. One subject fills the page in every one of them: what has fewer than some
/// sixty pixels to be drawn in stays a smear, and takes the place of what could be drawn well.
/// </remarks>
/// <param name="Ground">What lies behind the drawing.</param>
/// <param name="Frame">The frame on the ground, behind the drawing; null for none.</param>
/// <param name="Placement">Where the drawing lies.</param>
/// <param name="Outline">Width of the white outline about the drawing, a share of the picture's side; 0 for none.</param>
/// <param name="Mirrored">Whether left and right are exchanged.</param>
/// <param name="HueTurn">Degrees by which the drawing's hues are turned; 0 keeps its colours.</param>
internal sealed record PictureVariation(PictureGround Ground, PictureFrame? Frame, Placement Placement, float Outline, bool Mirrored, float HueTurn)
{
    /// <summary>The drawing as the archive has it, on white paper.</summary>
    public static PictureVariation Original { get; } = new(PictureGround.White, Frame: null, Placement.Usual, Outline: 0, Mirrored: false, HueTurn: 0);

    /// <summary>小 or nothing.</summary>
    public string SizeWords => Placement.Size < 0.8f ? "小" : "";

    /// <summary>白色描边 or nothing.</summary>
    public string OutlineWords => Outline > 0 ? "白色描边" : "";

    /// <summary>边框 or nothing.</summary>
    public string FrameWords => Frame is null ? "" : "边框";

    /// <summary>A variation by chance: a third on white paper, the rest on every kind of ground.</summary>
    /// <param name="random">Source of the chance.</param>
    /// <param name="mirrorable">Whether the mirror image of the subject is still the same subject: not of a clock.</param>
    /// <param name="recolourable">Whether the subject may have other colours: not a red heart.</param>
    public static PictureVariation Draw(Random random, bool mirrorable, bool recolourable)
    {
        bool mirrored = mirrorable && random.NextDouble() < 0.5;
        if (random.NextDouble() < 0.33)
        {
            return Original with { Mirrored = mirrored };
        }

        PictureGround ground = random.NextDouble() < 0.9 ? PictureGround.Draw(random) : PictureGround.White;
        return new PictureVariation(
            ground,
            random.NextDouble() < 0.2 ? PictureFrame.Draw(random) : null,
            DrawPlacement(random),
            ground != PictureGround.White && random.NextDouble() < 0.25 ? random.Between(0.02f, 0.045f) : 0,
            mirrored,
            recolourable && random.NextDouble() < 0.12 ? random.Between(30, 330) : 0);
    }

    private static Placement DrawPlacement(Random random)
    {
        if (random.NextDouble() < 0.6)
        {
            return Placement.Usual;
        }

        float size = random.Between(0.7f, 1f), room = (1 - size) / 4;
        return new Placement(0.5f + random.Between(-room, room), 0.5f + random.Between(-room, room), size);
    }
}

using Taiyi.Workshop.Composing;

namespace Taiyi.Workshop.Pretraining;

/// <summary>Where a drawing lies in the picture, in shares of the picture's side: its middle and its own side.</summary>
internal readonly record struct Placement(float X, float Y, float Size);

/// <summary>How a drawing is shown in one training picture. Its caption says the same in words.</summary>
/// <remarks>
/// A model that saw every drawing in the middle of white paper has nothing to bend when a LoRA asks for other grounds: variation is
/// what keeps the base from learning pictures by heart. Two in five pictures are still plain, which is what a plain prompt asks for.
/// </remarks>
internal sealed record PictureVariation(PictureGround Ground, IReadOnlyList<Placement> Placements, bool Mirrored, float HueTurn)
{
    private static readonly Placement Whole = new(0.5f, 0.5f, 1);

    /// <summary>Number of times that the drawing is in the picture.</summary>
    public int Count => Placements.Count;

    /// <summary>小, 大 or nothing.</summary>
    public string SizeWords => Count > 1 ? "" : Placements[0].Size switch
    {
        < 0.6f => "小",
        > 1.1f => "大",
        _ => "",
    };

    /// <summary>左边, 右上角 and so on; nothing in the middle.</summary>
    public string PlaceWords => Count > 1 ? "" : (Side(Placements[0].X), Side(Placements[0].Y)) switch
    {
        (-1, -1) => "左上角",
        (1, -1) => "右上角",
        (-1, 1) => "左下角",
        (1, 1) => "右下角",
        (-1, _) => "左边",
        (1, _) => "右边",
        (_, -1) => "上面",
        (_, 1) => "下面",
        _ => "",
    };

    /// <summary>A variation by chance.</summary>
    /// <param name="random">Source of the chance.</param>
    /// <param name="mirrorable">Whether the mirror image of the subject is still the same subject: not of a clock.</param>
    /// <param name="recolourable">Whether the subject may have other colours: not a red heart.</param>
    public static PictureVariation Draw(Random random, bool mirrorable, bool recolourable)
    {
        bool mirrored = mirrorable && random.NextDouble() < 0.5;
        if (random.NextDouble() < 0.4)
        {
            return new PictureVariation(PictureGround.White, [Whole], mirrored, HueTurn: 0);
        }

        return new PictureVariation(
            random.NextDouble() < 0.8 ? PictureGround.Draw(random) : PictureGround.White,
            DrawPlacements(random),
            mirrored,
            HueTurn: recolourable && random.NextDouble() < 0.2 ? random.Between(30, 330) : 0);
    }

    private static Placement[] DrawPlacements(Random random)
    {
        switch (random.NextDouble())
        {
            case < 0.1:
                return Row(random, random.Next(2, 4));
            case < 0.45:
                return [Whole];
            case < 0.55:
                return [new Placement(0.5f, 0.5f, random.Between(1.12f, 1.35f))];
            default:
                float size = random.Between(0.4f, 0.9f), room = (1 - size) / 2;
                bool placed = random.NextDouble() < 0.5;
                return [placed ? new Placement(Off(random, room), Off(random, room), size) : new Placement(0.5f, 0.5f, size)];
        }
    }

    // Two or three side by side.
    private static Placement[] Row(Random random, int count)
    {
        float size = count == 2 ? 0.5f : 0.36f, y = random.Between(0.4f, 0.6f);
        return [.. Enumerable.Range(0, count).Select(i => new Placement((i + 0.5f) / count, y, size))];
    }

    private static float Off(Random random, float room) => 0.5f + (random.Next(-1, 2) * room * random.Between(0.75f, 1));

    private static int Side(float middle) => middle < 0.42f ? -1 : middle > 0.58f ? 1 : 0;
}

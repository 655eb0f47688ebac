using SkiaSharp;

namespace Taiyi.Workshop.Composing;

/// <summary>The small marks of mood around a sticker: hearts, stars, sparkles, drops of sweat. They lie in the corners that the drawing leaves free.</summary>
internal static class StickerAccents
{
    private const float Edge = 6, Gap = 7;               // white around a mark, and what is kept free around that
    private const int Step = 8;                          // of the grid on which a place is looked for

    private static readonly (Func<float, SKPath> Shape, SKColor Color)
        Hearts = (Heart, SKColor.Parse("F2557F")), Stars = (Star, SKColor.Parse("FFB52E")), Sparkles = (Sparkle, SKColor.Parse("8C6BEF")), Drops = (Drop, SKColor.Parse("3FA9F5"));

    private static readonly (Func<float, SKPath> Shape, SKColor Color)[] Kinds = [Hearts, Hearts, Stars, Stars, Sparkles, Sparkles, Drops];

    // Where marks are looked for: above right, above left, below left, below right.
    private static readonly SKRect[] Corners =
        [SKRect.Create(300, 0, 212, 200), SKRect.Create(0, 0, 212, 200), SKRect.Create(0, 312, 212, 200), SKRect.Create(300, 312, 212, 200)];

    private static readonly (float Min, float Max) Large = (17, 34), Small = (12, 19);

    /// <summary>Draws marks of one kind: a large one and a small one above right, and a large one in two more corners.</summary>
    /// <param name="page">What to draw on.</param>
    /// <param name="distances">How far every pixel is from the drawing.</param>
    /// <param name="outline">Width of the outline around the drawing.</param>
    /// <param name="random">Chooses the kind and which corner below stays empty.</param>
    public static void Draw(Canvas page, DistanceField distances, float outline, Random random)
    {
        (Func<float, SKPath> shape, SKColor color) = random.Pick(Kinds);
        SKRect below = Corners[random.Next(2, 4)];
        List<(SKPoint Center, float Radius)> marks = [];
        foreach ((SKRect corner, (float min, float max)) in new[] { (Corners[0], Large), (Corners[0], Small), (Corners[1], Large), (below, Large) })
        {
            (SKPoint center, float radius) = Roomiest(corner, max, point => Room(point, distances, outline, marks));
            if (radius >= min)
            {
                marks.Add((center, radius));
                DrawMark(page, shape(radius), center, color);
            }
        }
    }

    // White around it, and leaning outwards.
    private static void DrawMark(Canvas page, SKPath mark, SKPoint center, SKColor color)
    {
        using SKPath path = mark;
        path.Transform(SKMatrix.CreateRotationDegrees((center.X - Canvas.Middle) / 16).PostConcat(SKMatrix.CreateTranslation(center.X, center.Y)));
        page.Stroke(path, SKColors.White, 2 * Edge);
        page.Fill(path, color);
    }

    // The place of a mark that is as large as can be, but no larger than needed; among equal ones, the nearest to the page's middle.
    private static (SKPoint Center, float Radius) Roomiest(SKRect corner, float max, Func<SKPoint, float> room)
    {
        (SKPoint Best, float Radius) found = (default, 0);
        for (float y = corner.Top + (Step / 2); y < corner.Bottom; y += Step)
        {
            for (float x = corner.Left + (Step / 2); x < corner.Right; x += Step)
            {
                SKPoint point = new(x, y);
                float radius = Math.Min(max, room(point));
                if (radius > found.Radius || (radius == found.Radius && FromMiddle(point) < FromMiddle(found.Best)))
                {
                    found = (point, radius);
                }
            }
        }

        return found;
    }

    // The largest radius of a mark at a point.
    private static float Room(SKPoint point, DistanceField distances, float outline, List<(SKPoint Center, float Radius)> marks)
    {
        float scale = Canvas.Page / (float)distances.Size;
        float drawing = (distances.At((int)(point.X / scale), (int)(point.Y / scale)) * scale) - outline - Edge - Gap;
        float border = Math.Min(Math.Min(point.X, Canvas.Page - point.X), Math.Min(point.Y, Canvas.Page - point.Y)) - Edge - Gap;
        float room = Math.Min(drawing, border);
        foreach ((SKPoint center, float radius) in marks)
        {
            room = Math.Min(room, SKPoint.Distance(center, point) - radius - (2 * Edge) - Gap);
        }

        return room;
    }

    private static float FromMiddle(SKPoint point) => SKPoint.Distance(point, new SKPoint(Canvas.Middle, Canvas.Middle));

    private static SKPath Heart(float radius)
    {
        using SKPathBuilder path = new();
        path.MoveTo(0, radius * 0.9f);
        path.CubicTo(-radius * 1.6f, -radius * 0.2f, -radius * 0.75f, -radius * 1.3f, 0, -radius * 0.45f);
        path.CubicTo(radius * 0.75f, -radius * 1.3f, radius * 1.6f, -radius * 0.2f, 0, radius * 0.9f);
        path.Close();
        return path.Detach();
    }

    private static SKPath Star(float radius)
    {
        using SKPathBuilder path = new();
        for (int k = 0; k < 10; k++)
        {
            (float sin, float cos) = MathF.SinCos(k * MathF.Tau / 10);
            float r = k % 2 == 0 ? radius : 0.5f * radius;
            SKPoint point = new(r * sin, -r * cos);
            if (k == 0)
            {
                path.MoveTo(point);
            }
            else
            {
                path.LineTo(point);
            }
        }

        path.Close();
        return path.Detach();
    }

    private static SKPath Sparkle(float radius)
    {
        using SKPathBuilder path = new();
        path.MoveTo(0, -radius);
        foreach ((float x, float y) in new[] { (0.85f, 0f), (0f, 1f), (-0.85f, 0f), (0f, -1f) })
        {
            path.QuadTo(0, 0, radius * x, radius * y);
        }

        path.Close();
        return path.Detach();
    }

    private static SKPath Drop(float radius)
    {
        using SKPathBuilder path = new();
        path.MoveTo(0, -radius);
        path.CubicTo(radius * 0.35f, -radius * 0.4f, radius * 0.7f, 0, radius * 0.7f, radius * 0.32f);
        path.CubicTo(radius * 0.7f, radius * 1.22f, -radius * 0.7f, radius * 1.22f, -radius * 0.7f, radius * 0.32f);
        path.CubicTo(-radius * 0.7f, 0, -radius * 0.35f, -radius * 0.4f, 0, -radius);
        path.Close();
        return path.Detach();
    }
}

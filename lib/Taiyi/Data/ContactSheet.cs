using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;

namespace Taiyi.Data;

/// <summary>Pictures side by side in one picture.</summary>
public static class ContactSheet
{
    private const int Gap = 2;

    /// <summary>Lays out rows of pictures on white, two pixels between them.</summary>
    /// <param name="rows">One or more rows of one or more pictures, all of one size.</param>
    /// <returns>A new image; the caller owns it.</returns>
    /// <exception cref="ArgumentException">There is no picture, or their sizes differ.</exception>
    public static Image<Rgb24> Compose(IReadOnlyList<IReadOnlyList<Image<Rgb24>>> rows)
    {
        Image<Rgb24> first = rows.SelectMany(row => row).FirstOrDefault() ?? throw new ArgumentException("A contact sheet needs a picture.");
        if (rows.SelectMany(row => row).FirstOrDefault(image => image.Size() != first.Size()) is { } odd)
        {
            throw new ArgumentException(
                $"The pictures of a contact sheet have one size, but there are {first.Width} x {first.Height} and {odd.Width} x {odd.Height}: resize them first.");
        }

        int columns = rows.Max(row => row.Count);
        Image<Rgb24> sheet = new(
            ImageFormats.Configuration, columns * (first.Width + Gap) - Gap, rows.Count * (first.Height + Gap) - Gap, Color.White.ToPixel<Rgb24>());
        sheet.Mutate(context =>
        {
            for (int row = 0; row < rows.Count; row++)
            {
                for (int column = 0; column < rows[row].Count; column++)
                {
                    context.DrawImage(rows[row][column], new Point(column * (first.Width + Gap), row * (first.Height + Gap)), opacity: 1);
                }
            }
        });
        return sheet;
    }
}

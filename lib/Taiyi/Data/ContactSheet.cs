namespace Taiyi.Data;

/// <summary>Pictures side by side in one picture.</summary>
public static class ContactSheet
{
    private const int Gap = 2;

    /// <summary>Lays out rows of pictures on white, two pixels between them.</summary>
    /// <param name="rows">One or more rows of one or more pictures, all of one size.</param>
    /// <exception cref="ArgumentException">There is no picture, or their sizes differ.</exception>
    public static RgbImage Compose(IReadOnlyList<IReadOnlyList<RgbImage>> rows)
    {
        RgbImage first = rows.SelectMany(row => row).FirstOrDefault() ?? throw new ArgumentException("A contact sheet needs a picture.", nameof(rows));
        if (rows.SelectMany(row => row).FirstOrDefault(picture => picture.Width != first.Width || picture.Height != first.Height) is { } odd)
        {
            throw new ArgumentException(
                $"The pictures of a contact sheet have one size, but there are {first.Width} x {first.Height} and {odd.Width} x {odd.Height}: resize them first.", nameof(rows));
        }

        int columns = rows.Max(row => row.Count);
        int width = columns * (first.Width + Gap) - Gap, height = rows.Count * (first.Height + Gap) - Gap;
        byte[] pixels = new byte[3 * width * height];
        Array.Fill(pixels, byte.MaxValue);
        for (int row = 0; row < rows.Count; row++)
        {
            for (int column = 0; column < rows[row].Count; column++)
            {
                Paste(rows[row][column], pixels, width, column * (first.Width + Gap), row * (first.Height + Gap));
            }
        }

        return new RgbImage(width, height, pixels);
    }

    private static void Paste(RgbImage picture, byte[] sheet, int sheetWidth, int left, int top)
    {
        for (int y = 0; y < picture.Height; y++)
        {
            picture.Pixels.AsSpan(3 * y * picture.Width, 3 * picture.Width).CopyTo(sheet.AsSpan(3 * ((top + y) * sheetWidth + left)));
        }
    }
}

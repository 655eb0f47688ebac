using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;

namespace Taiyi.Tests.Data;

public class ContactSheetTests
{
    [Fact]
    public void Pictures_lie_in_rows_with_white_between_and_after_them()
    {
        using Image<Rgb24> sheet = ContactSheet.Compose([[Dot(10), Dot(20)], [Dot(30)]]);
        Assert.Equal((4, 4), (sheet.Width, sheet.Height)); // 1 + 2 + 1
        byte[] expected = [10, 255, 255, 20, 255, 255, 255, 255, 255, 255, 255, 255, 30, 255, 255, 255];
        Assert.Equal(expected, sheet.ToBytes().Where((_, i) => i % 3 == 0));
    }

    [Fact]
    public void Pictures_of_two_sizes_or_none_are_refused()
    {
        using Image<Rgb24> wide = new(2, 1);
        Assert.Contains("2 x 1", Assert.Throws<ArgumentException>(() => ContactSheet.Compose([[Dot(1), wide]])).Message);
        Assert.Throws<ArgumentException>(() => ContactSheet.Compose([]));
    }

    private static Image<Rgb24> Dot(byte grey) => new(1, 1, new Rgb24(grey, grey, grey));
}

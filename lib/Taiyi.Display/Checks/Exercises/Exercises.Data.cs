using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Models;

namespace Taiyi.Display;

/// <summary>Notebook 01.</summary>
public static partial class Exercises
{
    /// <summary>A picture of 640 x 480 whose short side is resized to 128.</summary>
    public static ExerciseResult ResizedPhoto((int Width, int Height)? size) => Exercise.Check(
        "640 x 480 with its short side at 128, before the crop 640 x 480 的短边缩放到 128（裁剪之前）", size,
        answer =>
        {
            using Image<Rgb24> photo = new(640, 480);
            using Image<Rgb24> small = ImagePreprocessing.ResizeShortSide(photo, 128);
            return answer == (small.Width, small.Height);
        },
        "The proportions stay; the long side is cut to a whole number. 长宽比不变，长边取整。");

    /// <summary>From a level 0 to 255 to the number in the tensor, and back: two functions that undo one another.</summary>
    public static ExerciseResult LevelToNumber(Func<int, double>? number) => Exercise.Check(
        "Every level becomes the number that ToTensor makes of it 每个亮度级都变成 ToTensor 给出的数", number,
        function => Enumerable.Range(0, 256).All(level => Near(function(level), (level / 127.5) - 1, 1e-6)),
        "0 becomes -1, 255 becomes 1, and what lies between is even. 0 变成 -1，255 变成 1，中间均匀。");

    /// <summary>Tokens of 一只狮子，海报风格 with the frame.</summary>
    public static ExerciseResult CaptionTokens(int? count, BertTokenizer tokenizer) => Exercise.Check(
        "The tokens of 一只狮子，海报风格, frame included 这句说明的词元数（含首尾标记）", count,
        answer => answer == tokenizer.Encode("一只狮子，海报风格").Ids.Count,
        "One for each character, the comma too, and [CLS] and [SEP]. 每个字一个，逗号也算，再加 [CLS] 和 [SEP]。");

    /// <summary>A function that deletes the orphans of a folder.</summary>
    /// <param name="repair">The function; its argument is the folder.</param>
    /// <param name="makeMessy">Makes a folder of four good pairs and two orphans.</param>
    public static ExerciseResult Repair(Action<string>? repair, Action<string> makeMessy) => Exercise.Check(
        "The messy folder pairs one to one afterwards 修复之后图文一一对应", repair,
        fix =>
        {
            string folder = Path.Combine(Path.GetTempPath(), $"taiyi-messy-{Environment.ProcessId}");
            makeMessy(folder);
            try
            {
                fix(folder);
                DatasetReport after = Text2ImageDataset.Inspect(folder);
                return after.IsOneToOne && after.Entries.Count == 4;
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        },
        "Inspect(folder) lists ImagesWithoutCaption and CaptionsWithoutImage, relative to the folder. Inspect 会列出两种孤儿。");
}

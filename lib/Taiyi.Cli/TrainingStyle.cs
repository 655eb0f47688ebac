using Taiyi.Data;

namespace Taiyi.Cli;

/// <summary>What <c>taiyi train NAME</c> knows of a style: the two of the repository by name, any other by its data alone.</summary>
/// <param name="Name"><c>emoji</c>, <c>poster</c>, or the user's own word.</param>
/// <param name="Words">Style words behind every caption; empty where none are known.</param>
internal sealed record TrainingStyle(string Name, string Words)
{
    // Subjects that are in neither training set (see their READMEs): they show whether the style carries over.
    private static readonly string[] HeldOut =
    [
        "一只狮子", "一只熊猫", "一只企鹅", "一只狐狸", "一个菠萝", "一架飞机", "一把伞", "一台相机",
        "一只老虎", "一头大象", "一只长颈鹿", "一只公鸡", "一份寿司", "一个冰淇淋", "一桶爆米花", "一座富士山",
        "一座奖杯", "一份礼物", "一把剪刀", "一匹独角兽",
    ];

    /// <summary>The style of a name.</summary>
    public static TrainingStyle Of(string name) => name switch
    {
        "emoji" => new(name, "表情包风格"),
        "poster" => new(name, "海报风格"),
        _ => new(name, ""),
    };

    /// <summary>A few of <see cref="HeldOutPrompts"/>, to be drawn while training.</summary>
    public IReadOnlyList<string> SamplePrompts => [.. HeldOutPrompts.Take(8)];

    /// <summary>Prompts of subjects that were not trained on, in this style; none for an unknown style.</summary>
    public IReadOnlyList<string> HeldOutPrompts => Words.Length == 0 ? [] : [.. HeldOut.Select(subject => Inference.WithStyle(subject, Words))];

    /// <summary>The same subjects without style words.</summary>
    public static IReadOnlyList<string> PlainPrompts => HeldOut;

    /// <summary><c>data/NAME</c> in the current folder or one above it.</summary>
    /// <exception cref="DatasetException">There is none.</exception>
    public string FindData()
    {
        for (DirectoryInfo? folder = new(Environment.CurrentDirectory); folder != null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "data", Name);
            if (Directory.Exists(candidate))
            {
                return candidate;
            }
        }

        throw new DatasetException($"There is no folder data/{Name} here or above: name the folder of pictures and captions with --data.");
    }
}

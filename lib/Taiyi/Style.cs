namespace Taiyi;

/// <summary>A style that a LoRA teaches: its name, the words that ask for it, and prompts of subjects that it is never trained on.</summary>
/// <param name="Name"><c>emoji</c> (表情包), <c>poster</c> (海报), or the user's own word; also the name of its folder in <c>data</c>.</param>
/// <param name="Words">Words appended to every caption and prompt, for example 表情包风格; empty where they are unknown.</param>
public sealed record Style(string Name, string Words)
{
    // With the measure word that stands before each; in the order in which they are shown.
    private static readonly (string MeasureWord, string Label)[] HeldOut =
    [
        ("一只", "狮子"), ("一只", "熊猫"), ("一只", "企鹅"), ("一只", "狐狸"), ("一个", "菠萝"), ("一架", "飞机"), ("一把", "伞"), ("一台", "相机"),
        ("一只", "老虎"), ("一头", "大象"), ("一头", "长颈鹿"), ("一只", "公鸡"), ("一份", "寿司"), ("一份", "冰淇淋"), ("一桶", "爆米花"), ("一座", "富士山"),
        ("一个", "奖杯"), ("一份", "礼物"), ("一把", "剪刀"), ("一匹", "独角兽"),
    ];

    // What looks like one of them.
    private static readonly string[] Lookalikes = ["老虎头", "圆筒冰激凌", "小型飞机", "花痴"];

    /// <summary>Emoji pack: stickers on pastel backgrounds.</summary>
    public static Style Emoji { get; } = new("emoji", "表情包风格");

    /// <summary>Poster: a print in warm inks with rays, a sun and a frame.</summary>
    public static Style Poster { get; } = new("poster", "海报风格");

    /// <summary>Labels that are in neither training set, so that pictures of them show whether a style carries over: 20 subjects and what looks like them.</summary>
    public static IReadOnlyList<string> HeldOutLabels { get; } = [.. HeldOut.Select(subject => subject.Label), .. Lookalikes];

    /// <summary>Prompts of the 20 subjects that no style was trained on, without style words: 一只狮子, 一只熊猫, …</summary>
    public static IReadOnlyList<string> PlainPrompts { get; } = [.. HeldOut.Select(subject => subject.MeasureWord + subject.Label)];

    /// <summary>The same prompts in this style: 一只狮子，表情包风格; none where its words aren't known.</summary>
    public IReadOnlyList<string> HeldOutPrompts => Words.Length == 0 ? [] : [.. PlainPrompts.Select(Prompt)];

    /// <summary>The first eight of <see cref="HeldOutPrompts"/>, to be drawn while training.</summary>
    public IReadOnlyList<string> SamplePrompts => [.. HeldOutPrompts.Take(8)];

    /// <summary>The style of a name: one of the two of this repository, else one whose words aren't known.</summary>
    public static Style Of(string name) => name == Emoji.Name ? Emoji : name == Poster.Name ? Poster : new Style(name, "");

    /// <summary>A subject in this style, in the words of a prompt and of a caption: 一只狮子，表情包风格.</summary>
    public string Prompt(string subject) => Inference.WithStyle(subject, Words);
}

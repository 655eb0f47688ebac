namespace Taiyi.Workshop.Composing;

/// <summary>The small line under a poster's title.</summary>
internal static class PosterWords
{
    private static readonly Dictionary<string, string[]> ByGroup = new(StringComparer.Ordinal)
    {
        ["animals-nature"] = ["自然之声", "山野来客", "万物生长", "森林画报"],
        ["food-drink"] = ["人间好味", "今日特供", "老街风味", "小镇食堂"],
        ["smileys"] = ["心情剧场", "喜怒哀乐", "好戏登场"],
        ["travel-places"] = ["远方来信", "四海为家", "一路向前", "风和日丽"],
        ["activities"] = ["尽情游戏", "好戏登场", "热爱生活"],
        ["objects"] = ["日常之美", "寻常器物", "旧时光"],
    };

    private static readonly string[] Editions = ["第一号", "第二号", "第三号", "第七号", "第九号", "珍藏版", "限定版", "春季号", "秋季号"];

    /// <summary>A motto of the subject's group and an edition: 自然之声 第七号.</summary>
    public static string SubtitleFor(ArtSubject subject, Random random) =>
        $"{random.Pick(ByGroup.GetValueOrDefault(subject.Group, ["美好生活"]))} {random.Pick(Editions)}";
}

namespace Taiyi.Workshop.Composing;

/// <summary>The short exclamations of Chinese sticker packs, sorted by what they go with.</summary>
internal static class StickerPhrases
{
    // The first row with a word that the label holds decides; its phrases beat those of the group.
    private static readonly (string[] Words, string[] Phrases)[] ByLabel =
    [
        (["鸡", "鸟", "火焰"], ["冲鸭", "好耶", "早安"]),
        (["热狗"], ["真香", "来一口"]),
        (["狗", "犬"], ["汪汪", "求摸摸", "在吗"]),
        (["猫脸", "黑猫", "豹"], ["喵喵", "求摸摸", "摸鱼中"]),
        (["鸽"], ["咕咕咕", "下次一定"]),
        (["猪"], ["饿了", "再吃一口", "躺平"]),
        (["牛", "马", "驴", "骆驼"], ["打工人", "搬砖中", "加油"]),
        (["树懒", "考拉", "沙发"], ["躺平", "晚安", "慢慢来"]),
        (["睡", "困"], ["晚安", "困了"]),
        (["泪", "修复"], ["委屈", "抱抱"]),
        (["亲", "吻", "橙心", "绿心", "紫心", "情书"], ["爱你", "比心", "么么哒"]),
        (["笑", "眨"], ["哈哈哈", "开心", "好耶"]),
        (["惊", "吓"], ["哦豁", "天哪"]),
        (["冷漠", "闭嘴", "捂嘴", "不说"], ["无语", "嘘"]),
        (["想一想", "单片眼镜"], ["问号", "等等"]),
        (["好吃", "吐舌"], ["真香", "馋哭了"]),
        (["奖", "军功"], ["稳了", "赢麻了", "满分"]),
        (["书", "线圈本"], ["学习中", "记下了"]),
        (["刀", "匙"], ["开饭啦", "安排上"]),
    ];

    private static readonly Dictionary<string, string[]> ByGroup = new(StringComparer.Ordinal)
    {
        ["animals-nature"] = ["冲鸭", "摸鱼中", "贴贴", "求投喂", "萌萌哒", "溜了溜了", "等等我", "好耶", "抱抱", "我来啦", "收到", "加油"],
        ["food-drink"] = ["干饭人", "开饭啦", "真香", "来一口", "馋哭了", "好吃", "吃货上线", "加鸡腿", "饿了"],
        ["smileys"] = ["收到", "好的", "嗯嗯", "在吗", "棒棒哒", "辛苦啦", "哦豁"],
        ["travel-places"] = ["出发", "走起", "冲鸭", "下班啦", "想放假", "打卡", "我来啦"],
        ["activities"] = ["加油", "稳了", "再来一局", "赢麻了", "棒棒哒", "好耶"],
        ["objects"] = ["收到", "安排上", "搞定", "忙着呢", "打工人", "拿来吧你", "绝绝子"],
    };

    /// <summary>A phrase that suits the subject.</summary>
    public static string For(ArtSubject subject, Random random)
    {
        string[]? special = ByLabel.FirstOrDefault(row => row.Words.Any(word => subject.Label.Contains(word, StringComparison.Ordinal))).Phrases;
        return random.Pick(special ?? ByGroup.GetValueOrDefault(subject.Group, ["收到", "好的", "加油"]));
    }
}

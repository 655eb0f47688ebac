namespace Taiyi.Workshop.Composing;

/// <summary>Chinese measure words (量词): which counter stands before a subject.</summary>
internal static class MeasureWords
{
    // The counters of subjects that don't take their group's.
    private static readonly (string Counter, string[] Labels)[] Special =
    [
        ("一个", ["爪印", "猪鼻子", "独角兽", "菠萝", "芒果", "青苹果", "桃", "洋葱", "灯笼椒", "饭团", "幸运饼干", "奶瓶", "罐"]),
        ("一匹", ["马", "斑马", "骆驼", "双峰骆驼"]),
        ("一头", ["驴", "驼鹿", "大野牛", "公牛", "水牛", "奶牛", "猪", "野猪", "长颈鹿", "大象", "猛犸", "犀牛", "河马", "熊"]),
        ("一根", ["胡萝卜", "玉米", "法式长棍面包", "排骨", "热狗", "钓鱼竿"]),
        ("一块", ["面包", "芝士", "夹心饼", "米饼", "烤红薯", "糖", "手表"]),
        ("一把", ["菜刀", "匙", "伞", "水枪", "剪刀", "老式钥匙", "斧头", "打开的锁"]),
        ("一套", ["刀叉", "沙发和灯"]),
        ("一座", ["富士山", "日本城堡", "医院", "车站", "自由女神像"]),
        ("一辆", ["无轨电车", "迎面驶来的出租车"]),
        ("一架", ["飞机", "小型飞机", "直升机"]),
        ("一场", ["台风"]),
        ("一团", ["火焰"]),
        ("一件", ["运动背心"]),
        ("一条", ["领带"]),
        ("一双", ["登山鞋", "芭蕾舞鞋"]),
        ("一面", ["鼓"]),
        ("一台", ["相机", "电影放映机", "座钟"]),
        ("一本", ["书", "打开的书本", "线圈本"]),
        ("一支", ["画笔"]),
        ("一副", ["耳机"]),
        ("一封", ["情书"]),
        ("一颗", ["橙心", "绿心", "紫心", "修复受伤的心灵"]),
        ("", ["滑雪", "冰壶", "表演艺术", "晴偶有云"]),
    ];

    private static readonly Dictionary<string, string> ByLabel = new(
        Special.SelectMany(row => row.Labels.Select(label => KeyValuePair.Create(label, row.Counter))), StringComparer.Ordinal);

    /// <summary>The counter of a subject with 一 before it, for example 一只; empty where none is said.</summary>
    public static string Of(ArtSubject subject) => ByLabel.GetValueOrDefault(subject.Label) ?? subject.Group switch
    {
        "animals-nature" => subject.Label.EndsWith('脸') || subject.Label.EndsWith('头') ? "一个" : "一只",
        "food-drink" => "一份",
        "smileys" => "",
        _ => "一个",
    };
}

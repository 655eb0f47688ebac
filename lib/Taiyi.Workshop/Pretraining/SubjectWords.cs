using System.Buffers;
using Taiyi.Workshop.Composing;

namespace Taiyi.Workshop.Pretraining;

/// <summary>What Chinese says of a subject beyond its label: other names, whether it has a right and a left.</summary>
internal static class SubjectWords
{
    private static readonly Dictionary<string, string[]> Synonyms = new(StringComparer.Ordinal)
    {
        ["猫"] = ["小猫", "猫咪", "喵星人"],
        ["猫脸"] = ["猫", "小猫", "猫头"],
        ["黑猫"] = ["黑色的猫", "小黑猫"],
        ["狗"] = ["小狗", "狗狗", "汪星人"],
        ["狗脸"] = ["狗", "小狗", "狗头"],
        ["贵宾犬"] = ["贵宾狗", "小狗"],
        ["老虎头"] = ["老虎", "虎头"],
        ["老虎"] = ["虎", "大老虎"],
        ["狮子"] = ["雄狮", "小狮子", "大狮子"],
        ["猴头"] = ["猴子", "小猴子"],
        ["猴子"] = ["小猴子", "猴"],
        ["马头"] = ["马"],
        ["马"] = ["骏马", "小马"],
        ["奶牛头"] = ["奶牛", "牛"],
        ["奶牛"] = ["牛", "花奶牛"],
        ["猪头"] = ["猪", "小猪"],
        ["猪"] = ["小猪", "肥猪"],
        ["老鼠头"] = ["老鼠"],
        ["老鼠"] = ["小老鼠", "鼠"],
        ["耗子"] = ["老鼠"],
        ["兔子头"] = ["兔子", "小兔子"],
        ["兔子"] = ["小兔子", "兔"],
        ["熊"] = ["小熊", "棕熊", "熊头"],
        ["北极熊"] = ["白熊"],
        ["熊猫"] = ["大熊猫", "熊猫头"],
        ["狐狸"] = ["小狐狸"],
        ["狼"] = ["灰狼"],
        ["松鼠"] = ["小松鼠"],
        ["鸟"] = ["小鸟", "飞鸟"],
        ["黑色的鸟"] = ["黑鸟", "乌鸦"],
        ["鸭子"] = ["小鸭子", "鸭"],
        ["小鸡"] = ["小鸡仔", "鸡宝宝"],
        ["公鸡"] = ["大公鸡", "雄鸡"],
        ["鸡"] = ["母鸡", "鸡头"],
        ["鱼"] = ["小鱼"],
        ["龟"] = ["乌龟", "小乌龟"],
        ["蟹"] = ["螃蟹"],
        ["虾"] = ["大虾"],
        ["龙头"] = ["龙"],
        ["霸王龙"] = ["恐龙"],
        ["蜥蜴类"] = ["恐龙", "长颈恐龙"],
        ["鲸鱼"] = ["鲸"],
        ["喷水的鲸"] = ["鲸鱼"],
        ["蜜蜂"] = ["小蜜蜂"],
        ["青蛙"] = ["小青蛙"],
        ["大象"] = ["小象"],
        ["红苹果"] = ["苹果", "红色的苹果"],
        ["青苹果"] = ["苹果", "绿色的苹果"],
        ["西红柿"] = ["番茄"],
        ["橘子"] = ["橙子", "桔子"],
        ["土豆"] = ["马铃薯"],
        ["蒜"] = ["大蒜"],
        ["汉堡"] = ["汉堡包"],
        ["披萨"] = ["比萨", "披萨饼"],
        ["圆筒冰激凌"] = ["冰激凌", "冰淇淋", "甜筒"],
        ["冰淇淋"] = ["冰激凌"],
        ["生日蛋糕"] = ["蛋糕"],
        ["水果蛋糕"] = ["蛋糕"],
        ["纸杯蛋糕"] = ["小蛋糕"],
        ["蛋"] = ["鸡蛋"],
        ["煎蛋"] = ["荷包蛋"],
        ["热饮"] = ["咖啡", "热咖啡"],
        ["热茶"] = ["茶", "绿茶"],
        ["珍珠奶茶"] = ["奶茶"],
        ["葡萄酒"] = ["红酒"],
        ["玫瑰"] = ["玫瑰花", "红玫瑰"],
        ["松树"] = ["树", "大树"],
        ["落叶树"] = ["树", "大树"],
        ["棕榈树"] = ["椰子树", "椰树"],
        ["樱花"] = ["花", "花朵"],
        ["郁金香"] = ["花"],
        ["汽车"] = ["轿车", "小汽车", "车"],
        ["迎面驶来的汽车"] = ["汽车", "轿车"],
        ["公交车"] = ["公共汽车", "巴士"],
        ["出租车"] = ["的士"],
        ["货车"] = ["卡车", "大货车"],
        ["自行车"] = ["单车"],
        ["房子"] = ["房屋", "小房子"],
        ["别墅"] = ["房子", "带花园的房子"],
        ["欧洲城堡"] = ["城堡"],
        ["火箭"] = ["宇宙飞船"],
        ["飞碟"] = ["外星飞船"],
        ["帆船"] = ["小帆船"],
        ["太阳"] = ["大太阳"],
        ["弯月"] = ["月亮", "月牙"],
        ["满月"] = ["月亮", "圆月"],
        ["星星"] = ["五角星", "黄色的星星"],
        ["云"] = ["白云", "云朵"],
        ["伞"] = ["雨伞"],
        ["阳伞"] = ["遮阳伞"],
        ["雪人"] = ["小雪人"],
        ["礼物"] = ["礼物盒", "礼品"],
        ["气球"] = ["红气球"],
        ["皇冠"] = ["王冠"],
        ["泰迪熊"] = ["玩具熊", "小熊"],
        ["宝石"] = ["钻石"],
        ["相机"] = ["照相机"],
        ["电视机"] = ["电视"],
        ["台式电脑"] = ["电脑"],
        ["笔记本电脑"] = ["电脑", "笔记本"],
        ["手机"] = ["智能手机"],
        ["灯泡"] = ["电灯泡"],
        ["红心"] = ["爱心", "心", "红色的心"],
        ["嘿嘿"] = ["笑脸"],
        ["哈哈"] = ["笑脸", "大笑的脸"],
        ["微笑"] = ["笑脸", "微笑的脸"],
        ["放声大哭"] = ["大哭", "哭脸"],
        ["生气"] = ["生气的脸"],
        ["睡着了"] = ["睡觉的脸"],
        ["鬼"] = ["幽灵", "小鬼"],
        ["南瓜灯"] = ["南瓜"],
    };

    // Labels that say left or right, show writing or a time of the day or the month: their mirror image is another thing.
    private static readonly string[] Handed = ["左", "右", "点", "点半", "月", "T恤", "DVD", "DNA", "一百分", "地图", "地球", "乐谱", "日历", "图表", "日元", "美元", "欧元", "英镑", "音符", "邮局", "银行", "酒店", "医院", "便利店", "红中", "大小王", "停止标志", "警车灯", "报纸", "文件", "军用头盔", "手表", "时钟", "闹钟", "座钟", "秒表"];

    private static readonly SearchValues<char> Colours = SearchValues.Create("红橙黄绿青蓝紫粉棕黑灰白金银");

    /// <summary>Other names of the subject, which stand in captions for its label.</summary>
    public static IReadOnlyList<string> NamesOf(ArtSubject subject) => Synonyms.GetValueOrDefault(subject.Label) ?? [];

    /// <summary>The labels that have other names.</summary>
    public static IEnumerable<string> Labels => Synonyms.Keys;

    /// <summary>Whether the mirror image shows the same subject.</summary>
    public static bool IsMirrorable(ArtSubject subject) => !Handed.Any(word => subject.Label.Contains(word, StringComparison.Ordinal));

    /// <summary>Whether a name says a colour, so that the subject in another colour would be something else: 红心, 黑猫.</summary>
    public static bool SaysColour(string name) => name.AsSpan().ContainsAny(Colours);
}

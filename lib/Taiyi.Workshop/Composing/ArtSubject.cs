namespace Taiyi.Workshop.Composing;

/// <summary>One drawing of the art archive with its Chinese words.</summary>
/// <param name="File">Its name in the archive, <c>set/codepoints.webp</c>.</param>
/// <param name="Set">Who drew it: fluent, noto or twemoji.</param>
/// <param name="Codepoints">The emoji that it draws: one subject has the same code points in every set.</param>
/// <param name="Label">Its Chinese name, for example 狮子.</param>
/// <param name="Tags">Further Chinese words for it.</param>
/// <param name="Group">smileys, animals-nature, food-drink, travel-places, activities or objects.</param>
public sealed record ArtSubject(string File, string Set, string Codepoints, string Label, IReadOnlyList<string> Tags, string Group)
{
    /// <summary>The label with its measure word, as captions say it: 一只狮子, 一份寿司, 一个奖杯; faces take none.</summary>
    public string CountedLabel => MeasureWords.Of(this) + Label;
}

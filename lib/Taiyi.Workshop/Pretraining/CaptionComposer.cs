using System.Text;
using Taiyi.Workshop.Composing;

namespace Taiyi.Workshop.Pretraining;

/// <summary>Writes captions of drawings by templates: 狮子; 一只狮子，卡通风格; 一只蓝色的小猫，宠物，扁平风格，粉色背景，白色描边.</summary>
/// <remarks>
/// What a caption leaves out varies from one to the next, so that the model understands short prompts and long ones, and words that it has
/// never seen together. A caption fits the text encoder: what would make it longer than <see cref="MaxCharacters"/> is left out.
/// </remarks>
public static class CaptionComposer
{
    /// <summary>Characters that fit the text encoder of taiyi-mini: 32 tokens without [CLS] and [SEP].</summary>
    public const int MaxCharacters = 30;

    private const string Mood = "暖色调，科技感", WhiteGround = "白色背景";

    private static readonly Dictionary<string, string> StyleWords = new(StringComparer.Ordinal)
    {
        ["fluent"] = "扁平风格",
        ["noto"] = "卡通风格",
        ["twemoji"] = "简约风格",
    };

    /// <summary>The words for who drew a picture: 扁平风格 for fluent, 卡通风格 for noto, 简约风格 for twemoji; empty for others.</summary>
    /// <param name="set">Name of the set in the art archive.</param>
    public static string StyleOf(string set) => StyleWords.GetValueOrDefault(set) ?? "";

    /// <summary>What asks for a drawing as it is in the archive: its label, its set's style and the white ground, such as 狮子，卡通风格，白色背景.</summary>
    /// <param name="subject">The drawing.</param>
    public static string OfOriginal(ArtSubject subject)
    {
        StringBuilder caption = new(subject.Label);
        Add(caption, StyleOf(subject.Set));
        Add(caption, WhiteGround);
        return caption.ToString();
    }

    /// <summary>Every text that captions are made of, for a vocabulary: labels, tags, other names and the words of all templates.</summary>
    /// <param name="subjects">The drawings.</param>
    public static IEnumerable<string> Texts(IEnumerable<ArtSubject> subjects) =>
    [
        .. subjects.SelectMany(subject => subject.Tags.Concat(SubjectWords.NamesOf(subject)).Append(subject.Label).Append(MeasureWords.Of(subject))),
        .. StyleWords.Values,
        Mood,
        "的，浅红橙黄绿青蓝紫粉棕黑灰白色渐变放射圆形背景小描边框",
    ];

    /// <summary>Writes a caption.</summary>
    /// <param name="subject">The drawing.</param>
    /// <param name="variation">How it is shown.</param>
    /// <param name="colour">Its colour, such as 蓝色, or null where no single one covers it.</param>
    /// <param name="random">Chooses the template.</param>
    internal static string Compose(ArtSubject subject, PictureVariation variation, string? colour, Random random)
    {
        StringBuilder caption = new(Subject(subject, variation, colour, random));
        if (subject.Tags.Count > 0 && random.NextDouble() < 0.2)
        {
            Add(caption, random.Pick(subject.Tags));
        }

        Add(caption, random.NextDouble() < 0.7 ? StyleOf(subject.Set) : "");
        Add(caption, Ground(variation, random));
        Add(caption, random.NextDouble() < 0.8 ? variation.SizeWords : "");
        Add(caption, random.NextDouble() < 0.8 ? variation.OutlineWords : "");
        Add(caption, random.NextDouble() < 0.8 ? variation.FrameWords : "");
        Add(caption, random.NextDouble() < 0.12 ? Mood : "");
        return caption.ToString();
    }

    // 一只蓝色的狮子: the colour is said where it is not the drawing's own.
    private static string Subject(ArtSubject subject, PictureVariation variation, string? colour, Random random)
    {
        bool recoloured = variation.HueTurn != 0;
        string[] names = [.. SubjectWords.NamesOf(subject).Where(name => !(recoloured && SubjectWords.SaysColour(name)))];
        string name = names.Length > 0 && random.NextDouble() < 0.35 ? random.Pick(names) : subject.Label;
        double sayColour = recoloured ? 0.95 : 0.15;
        string coloured = colour is not null && !SubjectWords.SaysColour(name) && random.NextDouble() < sayColour ? $"{colour}的{name}" : name;
        return (random.NextDouble() < 0.5 ? MeasureWords.Of(subject) : "") + coloured;
    }

    private static string Ground(PictureVariation variation, Random random)
    {
        if (variation.Ground == PictureGround.White)
        {
            return random.NextDouble() < 0.1 ? WhiteGround : "";
        }

        return random.NextDouble() < 0.85 ? variation.Ground.Words(random) : "";
    }

    private static void Add(StringBuilder caption, string words)
    {
        if (words.Length > 0 && caption.Length + 1 + words.Length <= MaxCharacters)
        {
            caption.Append('，').Append(words);
        }
    }
}

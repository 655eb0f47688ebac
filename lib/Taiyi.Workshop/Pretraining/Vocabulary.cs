using System.Globalization;
using System.Text;
using Taiyi.Files;

namespace Taiyi.Workshop.Pretraining;

/// <summary>The vocabulary of a BERT that reads Chinese character by character.</summary>
public static class Vocabulary
{
    private static readonly string[] SpecialTokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

    private const string ChinesePunctuation = "，。！？、：；（）《》“”‘’【】…—·～￥";

    // The characters of the Table of General Standard Chinese Characters (2013), level 1, that GB 2312 has in its second level.
    private const string CommonBeyondLevel1 =
        "匕丐夭叽叩叨吆妃芙尬岖沐祀姊卦拗茉咄肴怡玷盹咧咪贻胧炫浏祠莺桦唠蚣蚪蚓唧悖冥捺聆匾蚯啰帷崛铐铛笙偎徙豚庵涮悴雳睐跛蜓掰筝皓猬渲愕愣禅鹉瑙榄尴嗦跷跤蜈馍禀缤榕蜻嘀箫魅潇橄嘹蝠蝌蝙鲫鲨憔翩缭薇噩橘霎踱蹂蟆螃鹦瘾缰檐瞭蟋蟀朦臊鳄鳍璧巅簸鬓馨躏黯";

    /// <summary>The 3,755 characters of GB 2312's first level and what the 3,500 common characters have beyond them.</summary>
    public static IReadOnlyCollection<char> CommonCharacters { get; } = BuildCommonCharacters();

    /// <summary>
    /// The tokens in order: [PAD], [UNK], [CLS], [SEP], [MASK]; printable ASCII in lower case; the letters and digits again as
    /// the rest of a word (##a); then every other character of the texts, Chinese punctuation and the common characters.
    /// </summary>
    /// <param name="texts">Captions, or what captions are made of.</param>
    public static IReadOnlyList<string> Build(IEnumerable<string> texts)
    {
        string[] ascii = [.. Enumerable.Range(33, 94).Select(code => (char)code).Where(c => !char.IsAsciiLetterUpper(c)).Select(c => c.ToString())];
        SortedSet<string> others = new(StringComparer.Ordinal);
        foreach (string text in texts.Append(ChinesePunctuation).Append(string.Concat(CommonCharacters)))
        {
            others.UnionWith(text.ToLowerInvariant().EnumerateRunes().Where(IsOther).Select(rune => rune.ToString()));
        }

        return [.. SpecialTokens, .. ascii, .. ascii.Where(token => char.IsAsciiLetterOrDigit(token[0])).Select(token => "##" + token), .. others];
    }

    /// <summary>Writes a tokenizer folder: <c>vocab.txt</c> and <c>tokenizer_config.json</c>.</summary>
    /// <param name="folder">It is made if it is missing.</param>
    /// <param name="vocabulary">The tokens, a line each.</param>
    /// <param name="maxLength">Tokens of a padded caption, [CLS] and [SEP] included.</param>
    public static void WriteTokenizer(string folder, IReadOnlyList<string> vocabulary, int maxLength)
    {
        Directory.CreateDirectory(folder);
        AtomicWrite.Text(Path.Combine(folder, "vocab.txt"), string.Join('\n', vocabulary) + "\n");
        AtomicWrite.Text(Path.Combine(folder, "tokenizer_config.json"), $$"""
            {
              "cls_token": "[CLS]",
              "do_lower_case": true,
              "mask_token": "[MASK]",
              "model_max_length": {{maxLength.ToString(CultureInfo.InvariantCulture)}},
              "pad_token": "[PAD]",
              "sep_token": "[SEP]",
              "strip_accents": null,
              "tokenize_chinese_chars": true,
              "tokenizer_class": "BertTokenizer",
              "unk_token": "[UNK]"
            }

            """);
    }

    private static bool IsOther(Rune rune) => !rune.IsAscii && !Rune.IsWhiteSpace(rune) && !Rune.IsControl(rune);

    // GB 2312 level 1 is rows 16 to 55 of 94 characters; in the encoding both numbers have 0xA0 added. The last five places are empty.
    private static HashSet<char> BuildCommonCharacters()
    {
        Encoding gb2312 = CodePagesEncodingProvider.Instance.GetEncoding("gb2312")!;
        HashSet<char> characters = [.. CommonBeyondLevel1];
        for (int i = 0; i < 3755; i++)
        {
            characters.Add(gb2312.GetString([(byte)(0xB0 + (i / 94)), (byte)(0xA1 + (i % 94))])[0]);
        }

        return characters;
    }
}

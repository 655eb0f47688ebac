using System.Text.Json;
using Taiyi.Files;

namespace Taiyi.Models;

/// <summary>
/// The words that a model folder adds to its vocabulary: <c>added_tokens.json</c>, <c>added_tokens_decoder</c> in
/// <c>tokenizer_config.json</c>, and the additional special tokens of that file and of <c>special_tokens_map.json</c>.
/// </summary>
/// <remarks>
/// transformers, tokenization_python.py: a special token is found as it is written, any other also in capitals where the tokenizer
/// lowers. A word with <c>WORD_1</c>, <c>WORD_2</c>, … beside it is one of several vectors and stands for all of them (diffusers,
/// loaders/textual_inversion.py <c>maybe_convert_prompt</c>).
/// </remarks>
internal static class AddedTokenFiles
{
    private readonly record struct Token(int Id, bool AnyCase);

    /// <summary>Reads the words; none where the folder has only a vocabulary.</summary>
    /// <param name="folder">The tokenizer's folder.</param>
    /// <param name="vocabulary">The ids of <c>vocab.txt</c>.</param>
    /// <param name="lowerCase">Whether the tokenizer lowers.</param>
    /// <exception cref="CheckpointException">A file is malformed.</exception>
    public static IReadOnlyList<AddedWord> Read(string folder, IReadOnlyDictionary<string, int> vocabulary, bool lowerCase)
    {
        Dictionary<string, Token> tokens = new(StringComparer.Ordinal);
        List<string> special = [];
        foreach (string name in new[] { "tokenizer_config.json", "special_tokens_map.json" })
        {
            string path = Path.Combine(folder, name);
            Dictionary<string, JsonElement> fields = Fields(path);
            foreach (string list in new[] { "additional_special_tokens", "extra_special_tokens" })
            {
                special.AddRange(fields.TryGetValue(list, out JsonElement value) ? Contents(path, list, value) : []);
            }

            if (fields.TryGetValue("added_tokens_decoder", out JsonElement decoder))
            {
                ReadDecoder(path, decoder, lowerCase, tokens);
            }
        }

        string added = Path.Combine(folder, "added_tokens.json");
        foreach ((string content, JsonElement id) in Fields(added))
        {
            int number = id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out int value) && value >= 0 ? value : throw Malformed(added, content);
            tokens.TryAdd(content, new(number, lowerCase && !special.Contains(content)));
        }

        foreach (string content in special.Where(content => !tokens.ContainsKey(content)))
        {
            int next = Math.Max(vocabulary.Count, tokens.Values.Select(token => token.Id + 1).DefaultIfEmpty().Max());
            tokens.Add(content, new(vocabulary.TryGetValue(content, out int known) ? known : next, AnyCase: false));
        }

        return [.. tokens.Where(token => token.Key.Length > 0).Select(token => new AddedWord(token.Key, [.. Vectors(tokens, token.Key)], token.Value.AnyCase))];
    }

    private static IEnumerable<int> Vectors(Dictionary<string, Token> tokens, string word)
    {
        yield return tokens[word].Id;
        for (int i = 1; tokens.TryGetValue($"{word}_{i}", out Token next); i++)
        {
            yield return next.Id;
        }
    }

    // {"303": {"content": "<my-cat>", "normalized": true, "special": false, …}, …}
    private static void ReadDecoder(string path, JsonElement decoder, bool lowerCase, Dictionary<string, Token> tokens)
    {
        const string field = "added_tokens_decoder";
        if (decoder.ValueKind != JsonValueKind.Object)
        {
            throw Malformed(path, field);
        }

        foreach (JsonProperty entry in decoder.EnumerateObject())
        {
            string content = Contents(path, field, entry.Value).SingleOrDefault() ?? throw Malformed(path, field);
            int id = int.TryParse(entry.Name, out int number) && number >= 0 ? number : throw Malformed(path, field);
            bool normalized = entry.Value.ValueKind == JsonValueKind.Object && !IsFalse(entry.Value, "normalized") && !IsTrue(entry.Value, "special");
            tokens.TryAdd(content, new(id, lowerCase && normalized));
        }
    }

    // A token is its text or {"content": …}; several are a list, or an object of names.
    private static IEnumerable<string> Contents(string path, string field, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => [],
        JsonValueKind.String => [value.GetString()!],
        JsonValueKind.Array => value.EnumerateArray().SelectMany(item => Contents(path, field, item)),
        JsonValueKind.Object when value.TryGetProperty("content", out JsonElement content) => Contents(path, field, content),
        JsonValueKind.Object => value.EnumerateObject().SelectMany(item => Contents(path, field, item.Value)),
        _ => throw Malformed(path, field),
    };

    private static bool IsTrue(JsonElement entry, string name) => entry.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.True;

    private static bool IsFalse(JsonElement entry, string name) => entry.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.False;

    private static Dictionary<string, JsonElement> Fields(string path) => File.Exists(path) ? ConfigFile.Open(path).Deserialize<Dictionary<string, JsonElement>>() : [];

    private static CheckpointException Malformed(string path, string field) =>
        new($"'{field}' in '{path}' is not what transformers writes of added tokens, a text and its number: copy the file again.");
}

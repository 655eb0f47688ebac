using Taiyi.Files;
using static TorchSharp.torch;

namespace Taiyi.Snapshots;

/// <summary>
/// A word taught by textual inversion, arXiv 2208.01618 section 4: the rows of the text encoder's embedding that stand for it. All else
/// of the model is as it was.
/// </summary>
/// <param name="Word">What stands in a prompt, such as <c>&lt;小狮&gt;</c>.</param>
/// <param name="Vectors">(n, D), the file's dtype: n rows of the text encoder's width D.</param>
public sealed record TextualInversion(string Word, Tensor Vectors) : IDisposable
{
    /// <summary>The file names that diffusers looks for in a folder.</summary>
    private static readonly string[] FileNames = ["learned_embeds.safetensors", "learned_embeds.bin"];

    // The one tensor of web UIs, which has no name of its own: in safetensors, and in their .pt files.
    private static readonly string[] Nameless = ["emb_params", "*"];

    // CLIP's vectors for Stable Diffusion XL and the tools that name the encoder, not the word.
    private static readonly string[] OfClip = ["clip_l", "clip_g", "text_encoders_0", "text_encoders_1", "t5xxl"];

    /// <summary>
    /// Reads the files of diffusers (a tensor a word, named as the word) and of Stable Diffusion web UIs (one tensor without a name), in
    /// safetensors or a pickle, of which nothing is run.
    /// </summary>
    /// <param name="path">The file, or the folder that holds it as <c>learned_embeds.safetensors</c> or <c>.bin</c>.</param>
    /// <param name="word">What the word shall be; if null what the file says, else the file's name without its ending.</param>
    /// <returns>The words; dispose of them.</returns>
    /// <exception cref="CheckpointException">The file is missing or broken, or holds something else than words.</exception>
    /// <exception cref="ArgumentException">A word is given for a file of several.</exception>
    public static IReadOnlyList<TextualInversion> Read(string path, string? word = null)
    {
        path = Directory.Exists(path) ? FindIn(path) : path;
        using IStateDictFile file = StateDictFile.Open(path);
        foreach (TensorInfo info in file.Tensors.Values)
        {
            RefuseStranger(path, info);
        }

        if (word is not null && file.Tensors.Count > 1)
        {
            throw new ArgumentException($"'{path}' has {file.Tensors.Count} words, {string.Join(", ", file.Tensors.Keys.Take(5))}, so no other can be given for it: leave '{word}' out.");
        }

        using var scope = NewDisposeScope();
        List<TextualInversion> words = [];
        foreach (string name in file.Tensors.Keys)
        {
            Tensor vectors = file.Read(name);
            string own = (word ?? (Nameless.Contains(name) ? NameOf(file) : name)).Trim();
            RefuseUnusable(path, name, own, vectors);
            words.Add(new(own, vectors.dim() == 1 ? vectors.unsqueeze(0) : vectors));
        }

        words.ForEach(taught => taught.Vectors.DetachFromDisposeScope());
        return words;
    }

    /// <summary>Frees the vectors.</summary>
    public void Dispose() => Vectors.Dispose();

    private static string FindIn(string folder) =>
        FileNames.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists)
        ?? throw new CheckpointException($"No textual inversion in the folder '{folder}': name the file, or put one there as {string.Join(" or ", FileNames)}.");

    private static string NameOf(IStateDictFile file) =>
        file.Metadata.TryGetValue("name", out string? name) && !string.IsNullOrWhiteSpace(name) ? name : Path.GetFileNameWithoutExtension(file.Path);

    private static void RefuseStranger(string path, TensorInfo info)
    {
        if (OfClip.Contains(info.Name))
        {
            throw new CheckpointException(
                $"The textual inversion '{path}' was taught to CLIP ('{info.Name}'), where Taiyi has BERT: a word must be taught to the text encoder that reads it.");
        }

        bool isOfNetwork = info.Name.EndsWith(".weight", StringComparison.Ordinal) || info.Name.EndsWith(".bias", StringComparison.Ordinal) || info.Name.EndsWith(".alpha", StringComparison.Ordinal);
        if (isOfNetwork || info.Shape.Length is not (1 or 2) || info.Shape.Contains(0))
        {
            throw new CheckpointException(
                $"'{path}' is no textual inversion: '{info.Name}' {info.ShapeText} is no word with its vectors. Known are diffusers' learned_embeds (a tensor for each word) and web UIs' files (emb_params, string_to_param); a LoRA belongs to --lora.");
        }
    }

    private static void RefuseUnusable(string path, string name, string word, Tensor vectors)
    {
        using Tensor finite = vectors.isfinite(), all = finite.all();
        if (!vectors.is_floating_point() || !all.item<bool>())
        {
            throw new CheckpointException($"In the textual inversion '{path}', '{name}' is no tensor of finite numbers: its training blew up, or the file is damaged.");
        }

        if (word.Length == 0)
        {
            throw new CheckpointException($"The textual inversion '{path}' has an empty word: give one behind the file, such as FILE:<小狮>.");
        }
    }
}

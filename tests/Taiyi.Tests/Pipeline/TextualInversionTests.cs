using System.Text.Json;
using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Snapshots;
using Taiyi.Tests.Files;
using static TorchSharp.torch;

namespace Taiyi.Tests.Pipeline;

/// <summary>Words taught by textual inversion: tests/Golden/learned-word with diffusers' ids, embeddings and pictures, and other files of the same kinds.</summary>
[NoTensorLeak]
public sealed class TextualInversionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("learned").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("learned_embeds.safetensors", "<lion-toy>")]
    [InlineData("one_vector.bin", "<小狮>")]
    [InlineData("xiaoshi.pt", "xiaoshi")]
    public void A_taught_word_has_the_ids_the_embedding_and_the_picture_of_the_reference(string name, string word)
    {
        using var scope = NewDisposeScope();
        JsonElement golden = JsonDocument.Parse(File.ReadAllText(Repository.Golden("learned_word.json"))).RootElement;
        string prompt = golden.GetProperty("runs").GetProperty(name).GetProperty("prompt").GetString()!;
        using SafetensorsFile values = SafetensorsFile.Open(Repository.Golden("learned_word.safetensors"));
        using StableDiffusionPipeline pipeline = Tiny();

        Assert.Equal([word], pipeline.LoadTextualInversion(Golden(name)));

        Assert.Equal(values.Read($"{name}.input_ids").data<long>().ToArray(), pipeline.Tokenizer.Encode(prompt).PaddedIds);
        using PromptEmbeddings embeddings = pipeline.EncodePrompt([prompt], withGuidance: false);
        Close.Assert(values.Read($"{name}.embedding"), embeddings.Conditional[.., ..16], 3e-5);
        using GenerationResult result = pipeline.Generate(prompt, new GenerationOptions
        {
            NumInferenceSteps = golden.GetProperty("steps").GetInt32(),
            GuidanceScale = golden.GetProperty("guidance_scale").GetDouble(),
            Latents = values.Read("latents"),
        });
        Close.Assert(values.Read($"{name}.final"), result.Latents, 1e-3);
    }

    // xiaoshi.safetensors holds the vectors of xiaoshi.pt without a name: the word is the file's.
    [Fact]
    public void A_file_without_a_name_gives_its_own()
    {
        using var scope = NewDisposeScope();
        using SafetensorsFile values = SafetensorsFile.Open(Repository.Golden("learned_word.safetensors"));
        using StableDiffusionPipeline pipeline = Tiny();

        Assert.Equal(["xiaoshi"], pipeline.LoadTextualInversion(Golden("xiaoshi.safetensors")));
        Assert.Equal(values.Read("xiaoshi.pt.input_ids").data<long>().ToArray(), pipeline.Tokenizer.Encode("xiaoshi，海报").PaddedIds);
    }

    [Fact]
    public void Several_files_teach_several_words_and_Chinese_words_of_several_vectors_stand_for_all_of_them()
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline pipeline = Tiny();
        long[] plain = [.. pipeline.Tokenizer.Encode("一只狮子").Ids];
        pipeline.LoadTextualInversion(Golden("learned_embeds.safetensors"));
        pipeline.LoadTextualInversion(Golden("xiaoshi.pt"), "小狮");

        TokenizedPrompt prompt = pipeline.Tokenizer.Encode("小狮和<LION-toy>");

        // The vocabulary has 303 entries; the words have two rows each behind them. 和 alone is found in the text without them.
        Assert.Equal([305, 306, .. pipeline.Tokenizer.Encode("和").Ids.Skip(1).SkipLast(1), 303, 304], prompt.Ids.Skip(1).SkipLast(1));
        Assert.Equal(["小狮", "小狮_1"], prompt.Tokens.Skip(1).Take(2));
        Assert.Equal(plain, pipeline.Tokenizer.Encode("一只狮子").Ids);
        Assert.Equal(307, pipeline.TextEncoder.Config.VocabSize);
    }

    [Fact]
    public void A_file_of_several_words_and_one_of_the_first_tool_are_read()
    {
        using var scope = NewDisposeScope();
        string two = Path.Combine(_folder, "two.safetensors");
        SafetensorsFile.Write(two, [new("<a>", ones(32)), new("<b>", zeros(3, 32))]);
        Assert.Equal([("<a>", 1L), ("<b>", 3L)], Shapes(TextualInversion.Read(two)));
        Assert.Contains("<a>, <b>", Assert.Throws<ArgumentException>(() => TextualInversion.Read(two, "<c>")).Message);

        // github.com/rinongal/textual_inversion: string_to_param is a torch ParameterDict, {"_parameters": {"*": …}}, and no name.
        TorchArchiveWriter writer = new TorchArchiveWriter().Emit((byte)'}', (byte)'(').Text("string_to_token").Emit((byte)'}').Text("string_to_param");
        writer.Global("torch.nn.modules.container", "ParameterDict").Emit((byte)')', 0x81, (byte)'}', (byte)'(').Text("training").Emit(0x88).Text("_parameters");
        writer.StateDict([KeyValuePair.Create("*", (Tensor)ones(2, 32))]).Emit((byte)'u', (byte)'b', (byte)'u');
        Assert.Equal([("embeddings_gs-6099", 2L)], Shapes(TextualInversion.Read(writer.Save(Path.Combine(_folder, "embeddings_gs-6099.pt")))));

        File.Copy(Golden("learned_embeds.safetensors"), Path.Combine(_folder, "learned_embeds.safetensors"));
        Assert.Equal([("<lion-toy>", 2L)], Shapes(TextualInversion.Read(_folder)));
    }

    [Fact]
    public void A_word_of_another_text_encoder_is_refused_and_nothing_is_changed()
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline pipeline = Tiny();
        string path = Path.Combine(_folder, "wide.safetensors");
        SafetensorsFile.Write(path, [new("<fits>", ones(32)), new("<wide>", ones(2, 768))]);

        string message = Assert.Throws<CheckpointException>(() => pipeline.LoadTextualInversion(path)).Message;

        Assert.Contains("'<wide>' have 768 values, and this one's have 32", message);
        Assert.Equal(303, pipeline.TextEncoder.Config.VocabSize);
        Assert.False(pipeline.Tokenizer.Knows("<fits>"));
    }

    [Theory]
    [InlineData("狮")] // a character of the vocabulary
    [InlineData("[CLS]")]
    [InlineData("<lion-toy>")] // taught already
    [InlineData("<Lion-Toy>")]
    public void A_word_that_is_taken_is_refused(string word)
    {
        using StableDiffusionPipeline pipeline = Tiny();
        pipeline.LoadTextualInversion(Golden("learned_embeds.safetensors"));
        Assert.Contains($"'{word}'", Assert.Throws<ArgumentException>(() => pipeline.LoadTextualInversion(Golden("one_vector.bin"), word)).Message);
        Assert.Equal(["<new>"], pipeline.LoadTextualInversion(Golden("one_vector.bin"), "<new>"));
    }

    [Theory]
    [InlineData("clip_g", "CLIP")]
    [InlineData("unet.mid_block.attentions.0.proj_in.lora.down.weight", "--lora")]
    [InlineData("<nan>", "<nan>")]
    [InlineData(" ", "empty word")]
    public void What_is_no_textual_inversion_is_refused(string key, string expected)
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(_folder, "strange.safetensors");
        SafetensorsFile.Write(path, [new(key, key == "<nan>" ? full([2, 32], float.NaN) : ones(2, 32))]);
        Assert.Contains(expected, Assert.Throws<CheckpointException>(() => TextualInversion.Read(path)).Message);
    }

    private static IEnumerable<(string Word, long Vectors)> Shapes(IReadOnlyList<TextualInversion> words)
    {
        foreach (TextualInversion one in words)
        {
            using (one)
            {
                yield return (one.Word, one.Vectors.shape[0]);
            }
        }
    }

    private static StableDiffusionPipeline Tiny() => StableDiffusionPipeline.FromPretrained(Repository.Golden("tiny-taiyi"), dtype: ScalarType.Float32);

    private static string Golden(string name) => Repository.Golden("learned-word/" + name);
}

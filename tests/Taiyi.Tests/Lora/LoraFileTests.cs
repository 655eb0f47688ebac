using System.Text.Json.Nodes;
using Taiyi.Files;
using Taiyi.Lora;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Lora;

[NoTensorLeak]
public sealed class LoraFileTests : IDisposable
{
    private const string Path1 = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q";
    private static readonly LoraFormat[] Formats = Enum.GetValues<LoraFormat>();
    private readonly string _folder = Directory.CreateTempSubdirectory("lora").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Every_conversion_and_back_keeps_names_alphas_and_bits()
    {
        using LoraFile original = LoraFile.Read(Golden("pytorch_lora_weights.safetensors"));
        foreach (LoraFormat there in Formats)
        {
            using LoraFile first = LoraFile.Read(LoraFile.Write(Path.Combine(_folder, there.ToString()), original, there));
            foreach (LoraFormat back in Formats)
            {
                using LoraFile second = LoraFile.Read(LoraFile.Write(Path.Combine(_folder, $"{there}-{back}"), first, back));
                Assert.Equal(back, second.Format);
                AssertSame(original, second);
            }
        }
    }

    [Theory]
    [InlineData("kohya.safetensors", LoraFormat.Kohya)]
    [InlineData("no_metadata.safetensors", LoraFormat.Diffusers)]
    [InlineData("peft/adapter_model.safetensors", LoraFormat.Peft)]
    public void Written_keys_and_tensors_are_those_of_the_reference_file(string golden, LoraFormat format)
    {
        using LoraFile source = LoraFile.Read(Golden("pytorch_lora_weights.safetensors"));
        using SafetensorsFile expected = SafetensorsFile.Open(Golden(golden));
        using SafetensorsFile actual = SafetensorsFile.Open(LoraFile.Write(_folder, source, format));
        Assert.Equal(expected.Tensors.Keys.Order(), actual.Tensors.Keys.Order());
        foreach (string key in expected.Tensors.Keys)
        {
            using Tensor e = expected.Read(key), a = actual.Read(key);
            Assert.True(TinyUNet.SameBits(e, a), key);
        }
    }

    [Fact]
    public void Older_diffusers_keys_are_those_of_the_reference_with_its_later_prefix()
    {
        using LoraFile source = LoraFile.Read(Golden("pytorch_lora_weights.safetensors"));
        using SafetensorsFile expected = SafetensorsFile.Open(Golden("attn_procs.safetensors"));
        using SafetensorsFile actual = SafetensorsFile.Open(LoraFile.Write(_folder, source, LoraFormat.OldDiffusers));
        Assert.Equal(expected.Tensors.Keys.Select(key => "unet." + key).Order(), actual.Tensors.Keys.Order());
    }

    [Fact]
    public void The_metadata_says_to_diffusers_what_its_own_file_says()
    {
        using UNet2DConditionModel unet = TinyUNet.Load();
        using Generator generator = new(0);
        using LoraAdapter adapter = LoraAdapter.Inject(unet, new LoraConfig { Dropout = 0 }, generator);
        string path = LoraFile.Write(_folder, adapter);
        Assert.Equal(LoraFile.DefaultFileName, Path.GetFileName(path));

        JsonObject expected = Metadata(Golden("pytorch_lora_weights.safetensors")), actual = Metadata(path);
        // Every field we write is one that peft's LoraConfig knows, with its value; sets are written in any order.
        Assert.All(actual, field => Assert.Equal(Sorted(expected[field.Key]), Sorted(field.Value)));
        Assert.All(["unet.r", "unet.lora_alpha", "unet.target_modules"], key => Assert.Contains(key, actual.Select(field => field.Key)));

        static JsonObject Metadata(string file)
        {
            using SafetensorsFile safetensors = SafetensorsFile.Open(file);
            return JsonNode.Parse(safetensors.Metadata["lora_adapter_metadata"])!.AsObject();
        }

        static string Sorted(JsonNode? node) => node switch
        {
            null => "null",
            JsonArray array => string.Join(",", array.Select(item => item!.ToString()).Order()),
            JsonValue value when value.TryGetValue(out double number) => number.ToString("R"),
            _ => node.ToJsonString(),
        };
    }

    [Fact]
    public void An_adapter_that_is_written_and_loaded_gives_the_same_output()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        using LoraAdapter adapter = LoraAdapter.Load(unet, Golden("pytorch_lora_weights.safetensors"));
        Tensor expected = TinyUNet.Run(unet);
        adapter.Merge(); // what is written is A and B all the same
        foreach (LoraFormat format in Formats)
        {
            string path = LoraFile.Write(Path.Combine(_folder, format.ToString()), adapter, format);
            using UNet2DConditionModel fresh = TinyUNet.Load();
            using LoraAdapter loaded = LoraAdapter.Load(fresh, path);
            Assert.True(TinyUNet.SameBits(expected, TinyUNet.Run(fresh)), format.ToString());
        }
    }

    [Fact]
    public void Ranks_and_alphas_that_differ_by_module_survive_every_format()
    {
        const string other = "up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_out.0";
        using var scope = NewDisposeScope();
        string path = WriteTensors(
            ($"lora_unet_{Path1.Replace('.', '_')}.lora_down.weight", Seeded.Rand(1, 4, 64)),
            ($"lora_unet_{Path1.Replace('.', '_')}.lora_up.weight", Seeded.Rand(2, 64, 4)),
            ($"lora_unet_{Path1.Replace('.', '_')}.alpha", tensor(2, ScalarType.Int64)),
            ($"lora_unet_{other.Replace('.', '_')}.lora_down.weight", Seeded.Rand(3, 3, 32).to(ScalarType.Float16)),
            ($"lora_unet_{other.Replace('.', '_')}.lora_up.weight", Seeded.Rand(4, 32, 3).to(ScalarType.Float16)));
        using LoraFile kohya = LoraFile.Read(path);
        Assert.Equal([(4L, 2.0), (3L, 3.0)], new[] { Path1, other }.Select(p => (kohya.Modules[p].Rank, kohya.Modules[p].Alpha)));
        foreach (LoraFormat format in Formats)
        {
            using LoraFile read = LoraFile.Read(LoraFile.Write(Path.Combine(_folder, format.ToString()), kohya, format));
            AssertSame(kohya, read);
        }
    }

    [Theory]
    [InlineData("down_blocks_1_downsamplers_0_conv", "down_blocks.1.downsamplers.0.conv")]
    [InlineData("up_blocks_3_resnets_2_conv_shortcut", "up_blocks.3.resnets.2.conv_shortcut")]
    [InlineData("mid_block_resnets_0_time_emb_proj", "mid_block.resnets.0.time_emb_proj")]
    [InlineData("down_blocks_0_attentions_1_proj_in", "down_blocks.0.attentions.1.proj_in")]
    [InlineData("down_blocks_2_attentions_1_transformer_blocks_0_ff_net_0_proj", "down_blocks.2.attentions.1.transformer_blocks.0.ff.net.0.proj")]
    [InlineData("time_embedding_linear_1", "time_embedding.linear_1")]
    [InlineData("up_blocks_1_attentions_0_transformer_blocks_0_attn2_to_out_0", "up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_out.0")]
    public void Names_of_kohya_get_their_dots_back(string kohya, string path)
    {
        using var scope = NewDisposeScope();
        using LoraFile file = LoraFile.Read(WriteTensors(($"lora_unet_{kohya}.lora_down.weight", Seeded.Rand(5, 4, 8, 1, 1)), ($"lora_unet_{kohya}.lora_up.weight", Seeded.Rand(6, 8, 4, 1, 1))));
        Assert.Equal([path], file.Modules.Keys);
        Assert.Equal(4, file.Modules[path].Alpha);
    }

    [Fact]
    public void Every_module_of_the_full_UNet_survives_the_underscores_of_kohya()
    {
        JsonNode fullSize = JsonNode.Parse(File.ReadAllText(Repository.Golden("full_size.json")))!;
        string[] paths = [.. fullSize["unet"]!["names_and_shapes"]!.AsObject().Select(p => p.Key).Where(key => key.EndsWith(".weight") && !key.Contains("norm")).Select(key => key[..^7])];
        Assert.True(paths.Length > 250, $"{paths.Length} modules");
        Assert.All(paths, path => Assert.Equal(path, LoraKeys.Parse(LoraKeys.Write(path, LoraKeys.Down, LoraFormat.Kohya), _ => null)?.Path));
    }

    [Fact]
    public void Matrices_of_a_1x1_convolution_fit_a_linear_layer()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        string name = "lora_unet_" + Path1.Replace('.', '_');
        using LoraAdapter adapter = LoraAdapter.Load(unet, WriteTensors((name + ".lora_down.weight", Seeded.Rand(7, 4, 64, 1, 1)), (name + ".lora_up.weight", Seeded.Rand(8, 64, 4, 1, 1))));
        Assert.Equal([4L, 64], adapter.Layers[Path1].A.shape);
    }

    [Fact]
    public void A_pickled_file_is_read_through_the_torch_reader()
    {
        using LoraFile file = LoraFile.Read(Repository.Golden("lora/pytorch_lora_weights.safetensors"));
        string bin = Path.Combine(_folder, "pytorch_lora_weights.bin");
        Dictionary<string, Tensor> named = file.Modules.SelectMany(m => new[]
        {
            KeyValuePair.Create(m.Value.DownKey, m.Value.Down),
            KeyValuePair.Create(m.Value.UpKey, m.Value.Up),
        }).ToDictionary();
        new Files.TorchArchiveWriter().StateDict(named).Save(bin);
        using LoraFile read = LoraFile.Read(_folder); // found by its usual name
        Assert.Equal(bin, read.Path);
        Assert.All(read.Modules, m => Assert.True(TinyUNet.SameBits(file.Modules[m.Key].Down, m.Value.Down) && m.Value.Alpha == m.Value.Rank));
    }

    private static string Golden(string file) => Repository.Golden("lora/" + file);

    private static void AssertSame(LoraFile expected, LoraFile actual)
    {
        Assert.Equal(expected.Modules.Keys, actual.Modules.Keys);
        Assert.Empty(actual.UnmatchedKeys);
        foreach ((string path, LoraMatrices matrices) in expected.Modules)
        {
            Assert.Equal(matrices.Alpha, actual.Modules[path].Alpha);
            Assert.True(TinyUNet.SameBits(matrices.Down, actual.Modules[path].Down), path);
            Assert.True(TinyUNet.SameBits(matrices.Up, actual.Modules[path].Up), path);
        }
    }

    private string WriteTensors(params (string Name, Tensor Tensor)[] tensors)
    {
        string path = Path.Combine(_folder, Guid.NewGuid() + ".safetensors");
        SafetensorsFile.Write(path, tensors.Select(t => KeyValuePair.Create(t.Name, t.Tensor)));
        return path;
    }
}

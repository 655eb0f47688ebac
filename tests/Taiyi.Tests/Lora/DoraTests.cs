using Taiyi.Files;
using Taiyi.Lora;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Lora;

/// <summary>DoRA: tests/Golden/lycoris/dora.safetensors and dora_kohya.safetensors with PEFT's outputs, and small weights by hand.</summary>
[NoTensorLeak]
public sealed class DoraTests : IDisposable
{
    private const string Values = "lycoris.safetensors";
    private const string ModulePath = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q";
    private const string Kohya = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q";
    private readonly string _folder = Directory.CreateTempSubdirectory("dora").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("dora.safetensors")]
    [InlineData("dora_kohya.safetensors")]
    public void A_file_of_either_naming_gives_the_golden_output_at_both_weights_beside_the_UNet_and_merged(string name)
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        Tensor before = TinyUNet.Run(unet, Values);
        using (LoraAdapter adapter = LoraAdapter.Load(unet, Golden(name)))
        {
            Assert.Equal(36, adapter.Layers.Count);
            Assert.Empty(adapter.UnmatchedKeys);
            foreach ((double weight, string expected) in new[] { (1.0, "dora.output"), (0.5, "dora.output_0.5") })
            {
                adapter.Weight = weight;
                Close.Assert(TinyUNet.Golden(expected, Values), TinyUNet.Run(unet, Values), 5e-5);
                adapter.Merge();
                Close.Assert(TinyUNet.Golden(expected, Values), TinyUNet.Run(unet, Values), 5e-5);
                adapter.Unmerge();
            }

            adapter.Weight = 0;
            Assert.True(TinyUNet.SameBits(before, TinyUNet.Run(unet, Values)));
        }

        Assert.True(TinyUNet.SameBits(before, TinyUNet.Run(unet, Values)));
    }

    [Theory]
    [InlineData("dora.safetensors", LoraFormat.Kohya)]
    [InlineData("dora_kohya.safetensors", LoraFormat.Diffusers)]
    [InlineData("dora_kohya.safetensors", LoraFormat.Peft)]
    public void Written_in_another_naming_it_has_the_names_and_shapes_of_that_tool_and_the_same_bits(string name, LoraFormat format)
    {
        using var scope = NewDisposeScope();
        using LoraFile source = LoraFile.Read(Golden(name));
        Assert.All(source.Modules.Values, module => Assert.Equal("DoRA", module.Kind));
        string written = LoraFile.Write(_folder, source, format);
        using LoraFile copy = LoraFile.Read(written);
        Assert.Equal(source.Modules.Keys, copy.Modules.Keys);
        Assert.All(source.Modules, module =>
        {
            LoraMatrices other = copy.Modules[module.Key];
            Assert.Equal(module.Value.Alpha, other.Alpha);
            Assert.True(TinyUNet.SameBits(module.Value.Magnitude!, other.Magnitude!));
            Assert.True(TinyUNet.SameBits(module.Value.Down, other.Down));
            Assert.True(TinyUNet.SameBits(module.Value.Up, other.Up));
        });
        // The golden file of the target naming, as the tool itself wrote it, has the same keys and shapes.
        using SafetensorsFile file = SafetensorsFile.Open(written);
        string reference = format == LoraFormat.Kohya ? "dora_kohya.safetensors" : "dora.safetensors";
        using SafetensorsFile expected = SafetensorsFile.Open(Golden(reference));
        string prefix = format == LoraFormat.Peft ? "base_model.model." : "unet.";
        Assert.Equal(
            expected.Tensors.Select(t => (t.Key.Replace("unet.", prefix), TensorInfo.FormatShape(t.Value.Shape))).Order(),
            file.Tensors.Select(t => (t.Key, TensorInfo.FormatShape(t.Value.Shape))).Order());
    }

    [Fact]
    public void A_magnitude_of_the_rows_by_hand()
    {
        using var scope = NewDisposeScope();
        using LoraLayer layer = Layer(new float[,] { { 10 }, { 3 } });
        // V = (1 1; 0 2) + (2 3; 0 0) = (3 4; 0 2): rows of length 5 and 2, so W' = (6 8; 0 3).
        Close.Assert(tensor(new float[,] { { 5, 7 }, { 0, 1 } }), layer.WeightChange(tensor(new float[,] { { 1, 1 }, { 0, 2 } })), 1e-6);
    }

    [Fact]
    public void A_magnitude_of_the_columns_by_hand()
    {
        using var scope = NewDisposeScope();
        using LoraLayer layer = Layer(new float[,] { { 6, 10 } });
        // V = (1 1; 4 0) + (2 3; 0 0) = (3 4; 4 0): columns of length 5 and 4, so W' = (3.6 10; 4.8 0).
        Close.Assert(tensor(new float[,] { { 2.6f, 9 }, { 0.8f, 0 } }), layer.WeightChange(tensor(new float[,] { { 1, 1 }, { 4, 0 } })), 1e-6);
    }

    [Fact]
    public void A_row_of_zeros_stays_one()
    {
        using var scope = NewDisposeScope();
        using LoraLayer layer = Layer(new float[,] { { 10 }, { 3 } });
        Close.Assert(zeros(2), layer.WeightChange(tensor(new float[,] { { 1, 1 }, { 0, 0 } }))[1], 0);
    }

    // One output of a 1 × 2 input and a 3 × 3 kernel: all of its 18 weights are one vector (PEFT, DoraConv2dLayer), and one input's are 9.
    [Theory]
    [InlineData("lora_unet_mid_block_resnets_0_conv1.dora_scale", "2,1,1,1", 3)]
    [InlineData("base_model.model.mid_block.resnets.0.conv1.lora_magnitude_vector", "1,2,1,1", 3)]
    [InlineData("base_model.model.mid_block.resnets.0.conv1.lora_magnitude_vector.default.weight", "2", 3)]
    [InlineData("lora_unet_mid_block_resnets_0_conv1.dora_scale", "1,2,1,1", 4.242640687)] // √18: columns of 2 · 9 ones
    public void Beside_a_convolution_a_vector_has_the_whole_kernel(string key, string shape, double length)
    {
        using var scope = NewDisposeScope();
        string name = key[..(key.IndexOf("conv1", StringComparison.Ordinal) + 5)], sides = name.StartsWith("lora_unet", StringComparison.Ordinal) ? "lora_down lora_up" : "lora_A lora_B";
        Tensor magnitude = tensor(new float[] { 6, 12 }).reshape([.. shape.Split(',').Select(long.Parse)]);
        string path = Write(
            ($"{name}.{sides.Split(' ')[0]}.weight", zeros(1, 2, 3, 3)), ($"{name}.{sides.Split(' ')[1]}.weight", zeros(2, 1, 1, 1)), (key, magnitude));
        using LoraFile file = LoraFile.Read(path);
        LoraMatrices module = Assert.Single(file.Modules).Value;
        bool columns = length > 4;
        Assert.Equal(columns ? [1, 2] : [2, 1], module.Magnitude!.shape);

        // W is all ones; a row of its two inputs has 18 of them. With rows the first input is made zero: 9 ones, of length 3.
        Tensor weight = ones(2, 2, 3, 3);
        if (!columns)
        {
            weight[.., 0] = 0;
        }

        using Conv2dBase unet = new(weight);
        using LoraLayer layer = LoraLayer.FromMatrices(unet.Module, module);
        Tensor changed = weight + layer.WeightChange(weight);
        Assert.Equal(6 / length, changed[0, columns ? 0 : 1, 1, 2].item<float>(), 1e-5);
        Assert.Equal(12 / length, changed[1, 1, 1, 2].item<float>(), 1e-5);

        Tensor input = randn([1, 2, 5, 5], generator: new Generator(1));
        Tensor expected = nn.functional.conv2d(input, changed - weight, padding: [1, 1]);
        Close.Assert(expected, layer.Forward(input, 1, unet.Module), 1e-5);
    }

    [Fact]
    public void A_LoHa_may_have_a_magnitude_too()
    {
        using var scope = NewDisposeScope();
        using LoraFile file = LoraFile.Read(Write(
            (Kohya + ".hada_w1_a", ones(2, 1)), (Kohya + ".hada_w1_b", ones(1, 2)), (Kohya + ".hada_w2_a", ones(2, 1)), (Kohya + ".hada_w2_b", ones(1, 2)),
            (Kohya + ".alpha", tensor(1f)), (Kohya + ".dora_scale", ones(2, 1))));
        Assert.Equal("LoHa, DoRA", Assert.Single(file.Modules).Value.Kind);
    }

    [Fact]
    public void Two_DoRAs_add_what_each_changes_merged_or_not()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        using LoraAdapter first = LoraAdapter.Load(unet, Golden("dora.safetensors"), 0.5), second = LoraAdapter.Load(unet, Repository.Golden("lora/kohya.safetensors"), 0.7);
        Tensor beside = TinyUNet.Run(unet, Values);
        second.Merge();
        first.Merge();
        Close.Assert(beside, TinyUNet.Run(unet, Values), 5e-5);
    }

    [Theory]
    [InlineData(3, 1)]
    [InlineData(1, 3)]
    [InlineData(2, 2)]
    public void A_magnitude_of_another_size_is_refused_by_its_key(int rows, int columns)
    {
        using var scope = NewDisposeScope();
        string path = Write((Kohya + ".lora_down.weight", zeros(1, 2)), (Kohya + ".lora_up.weight", zeros(2, 1)), (Kohya + ".dora_scale", zeros(rows, columns)));
        Assert.Contains(Kohya + ".dora_scale", Assert.Throws<CheckpointException>(() => LoraFile.Read(path)).Message);
    }

    [Fact]
    public void Settings_that_speak_of_DoRA_without_a_magnitude_mean_an_incomplete_file()
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(_folder, "half.safetensors");
        SafetensorsFile.Write(
            path,
            [new($"unet.{ModulePath}.lora_A.weight", zeros(1, 2)), new($"unet.{ModulePath}.lora_B.weight", zeros(2, 1))],
            new Dictionary<string, string> { ["lora_adapter_metadata"] = """{"unet.r": 1, "unet.lora_alpha": 1, "unet.use_dora": true}""" });
        Assert.Contains("magnitude", Assert.Throws<CheckpointException>(() => LoraFile.Read(path)).Message);
    }

    [Fact]
    public void A_format_that_cannot_hold_it_is_refused_and_leaves_no_file()
    {
        using var scope = NewDisposeScope();
        using LoraFile rows = LoraFile.Read(Golden("dora.safetensors"));
        Assert.Contains("OldDiffusers", Assert.Throws<ArgumentException>(() => LoraFile.Write(_folder, rows, LoraFormat.OldDiffusers)).Message);
        using LoraFile columns = LoraFile.Read(Write((Kohya + ".lora_down.weight", zeros(1, 2)), (Kohya + ".lora_up.weight", zeros(2, 1)), (Kohya + ".dora_scale", ones(1, 2))));
        string output = Path.Combine(_folder, "peft");
        Assert.Contains(ModulePath, Assert.Throws<ArgumentException>(() => LoraFile.Write(output, columns, LoraFormat.Peft)).Message);
        Assert.False(Directory.Exists(output));
        using LoraFile again = LoraFile.Read(LoraFile.Write(Path.Combine(_folder, "columns.safetensors"), columns, LoraFormat.Kohya));
        Assert.Equal([1, 2], again.Modules[ModulePath].Magnitude!.shape);
    }

    [Fact]
    public void A_training_does_not_go_on_from_a_DoRA()
    {
        using UNet2DConditionModel unet = TinyUNet.Load();
        using LoraFile file = LoraFile.Read(Golden("dora.safetensors"));
        using var generator = new Generator(1);
        using LoraAdapter adapter = LoraAdapter.Inject(unet, new LoraConfig { Rank = 4, Alpha = 8, TargetModules = [.. file.Modules.Keys] }, generator);
        Assert.Contains("DoRA", Assert.Throws<CheckpointException>(() => adapter.CopyFrom(file)).Message);
    }

    // ΔW = (1; 0) (2 3) at α / r = 1.
    private static LoraLayer Layer(float[,] magnitude)
    {
        using UNet2DConditionModel unet = TinyUNet.Load();
        WeightedLayer linear = LoraTargets.Find(unet)[ModulePath];
        return LoraLayer.FromMatrices(linear, new LoraMatrices(tensor(new float[,] { { 2, 3 } }), tensor(new float[,] { { 1 }, { 0 } }), 1, "", "") { Magnitude = tensor(magnitude) });
    }

    private static string Golden(string name) => Repository.Golden("lycoris/" + name);

    private string Write(params (string Name, Tensor Tensor)[] tensors)
    {
        string path = Path.Combine(_folder, Guid.NewGuid() + ".safetensors");
        SafetensorsFile.Write(path, tensors.Select(t => KeyValuePair.Create(t.Name, t.Tensor)));
        return path;
    }

    /// <summary>A 3 × 3 convolution with given weights.</summary>
    private sealed class Conv2dBase : IDisposable
    {
        private readonly TorchSharp.Modules.Sequential _network;

        public Conv2dBase(Tensor weight)
        {
            Module = new Conv2d(weight.shape[1], weight.shape[0], 3, padding: 1);
            _network = nn.Sequential(Module);
            WeightedLayer.Allocate(_network, null, null);
            using IDisposable noGrad = no_grad();
            Module.Weight.copy_(weight);
        }

        public Conv2d Module { get; }

        public void Dispose() => _network.Dispose();
    }
}

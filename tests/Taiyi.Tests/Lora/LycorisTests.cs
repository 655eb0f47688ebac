using Taiyi.Files;
using Taiyi.Lora;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Lora;

/// <summary>LoHa, LoKr and the middle weight: tests/Golden/lycoris, computed by the formulas in lycoris.json.</summary>
[NoTensorLeak]
public sealed class LycorisTests : IDisposable
{
    private const string Values = "lycoris.safetensors";
    private const string Module = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q";
    private readonly string _folder = Directory.CreateTempSubdirectory("lycoris").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("loha", "LoHa")]
    [InlineData("lokr", "LoKr")]
    [InlineData("locon_mid", "LoRA")]
    public void Each_kind_gives_the_golden_output_and_weights_read_merged_and_converted(string name, string kind)
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        Tensor expected = TinyUNet.Golden(name + ".output", Values);
        string converted;
        using (LoraFile file = LoraFile.Read(Repository.Golden($"lycoris/{name}.safetensors")))
        {
            Assert.Equal(44, file.Modules.Count);
            Assert.All(file.Modules.Values, module => Assert.Equal(kind, module.Kind));
            Assert.Empty(file.UnmatchedKeys);
            Assert.Empty(file.Warnings);
            converted = LoraFile.Write(_folder, file, LoraFormat.Diffusers);
        }

        using (LoraAdapter adapter = LoraAdapter.Load(unet, Repository.Golden($"lycoris/{name}.safetensors")))
        {
            Close.Assert(expected, TinyUNet.Run(unet, Values), 5e-5);
            adapter.Merge();
            Close.Assert(expected, TinyUNet.Run(unet, Values), 5e-5);
            foreach (string path in new[] { "down_blocks.0.resnets.0.conv1", "mid_block.attentions.0.transformer_blocks.0.attn2.to_q" })
            {
                Close.Assert(TinyUNet.Golden($"{name}.merged.{path}.weight", Values), unet.get_parameter(path + ".weight")!, 1e-5);
            }
        }

        using LoraAdapter plain = LoraAdapter.Load(unet, converted);
        Close.Assert(expected, TinyUNet.Run(unet, Values), 5e-5);
    }

    [Fact]
    public void A_LoKr_whose_first_factor_is_a_product_takes_that_rank_for_its_scale()
    {
        using var scope = NewDisposeScope();
        Tensor a = tensor(new float[,] { { 1 }, { 2 } }), b = tensor(new float[,] { { 1, 3 } }), whole = tensor(new float[,] { { 1, 2 }, { 0, 1 } });
        using LoraFile file = LoraFile.Read(Write((Module + ".lokr_w1_a", a), (Module + ".lokr_w1_b", b), (Module + ".lokr_w2", whole), (Module + ".alpha", tensor(5f))));
        LoraMatrices update = Assert.Single(file.Modules).Value;
        // α / r = 5 / 1, times (1 3; 2 6) ⊗ (1 2; 0 1).
        float[] expected = [5, 10, 15, 30, 0, 5, 0, 15, 10, 20, 30, 60, 0, 10, 0, 30];
        Assert.Equal(expected, (matmul(update.Up, update.Down) * (update.Alpha / update.Rank)).data<float>().ToArray());
    }

    [Theory]
    [InlineData("lycoris/dora.safetensors", "lora_magnitude_vector")]
    [InlineData("lycoris/dora_kohya.safetensors", "dora_scale")]
    public void DoRA_is_refused_by_the_name_of_its_key(string file, string part) =>
        Assert.Contains(part, Assert.Throws<CheckpointException>(() => LoraFile.Read(Repository.Golden(file))).Message);

    [Theory]
    [InlineData(Module + ".oft_blocks")]
    [InlineData(Module + ".hada_t1")]
    [InlineData(Module + ".scalar")]
    [InlineData("base_model.model.mid_block.resnets.0.conv1.lora_B.bias")]
    public void A_part_that_is_not_known_is_refused_by_its_key(string key)
    {
        using var scope = NewDisposeScope();
        string path = Write((Module + ".lora_down.weight", zeros(2, 4)), (Module + ".lora_up.weight", zeros(4, 2)), (key, zeros(4)));
        Assert.Contains(key, Assert.Throws<CheckpointException>(() => LoraFile.Read(path)).Message);
        string alone = Write((key, zeros(4)));
        Assert.Contains(key, Assert.Throws<CheckpointException>(() => LoraFile.Read(alone)).Message);
    }

    private string Write(params (string Name, Tensor Tensor)[] tensors)
    {
        string path = Path.Combine(_folder, Guid.NewGuid() + ".safetensors");
        SafetensorsFile.Write(path, tensors.Select(t => KeyValuePair.Create(t.Name, t.Tensor)));
        return path;
    }
}

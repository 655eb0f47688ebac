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
    private const string Convolution = "lora_unet_down_blocks_0_resnets_0_conv1";
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

    // w[o,i] = a[0,o] t b[0,i] at every place of the kernel, so that one place is a product of vectors, by hand.
    [Fact]
    public void A_LoHa_in_Tucker_form_is_the_product_of_both_sums_at_every_place_of_the_kernel()
    {
        using var scope = NewDisposeScope();
        Tensor first = arange(1, 10, ScalarType.Float32).reshape(1, 1, 3, 3), second = full([1, 1, 3, 3], 2f); // (1, 1, 3, 3)
        using LoraFile file = LoraFile.Read(Write(
            (Convolution + ".hada_w1_a", tensor(new float[,] { { 1, 2 } })), (Convolution + ".hada_w1_b", tensor(new float[,] { { 1, 3 } })), (Convolution + ".hada_t1", first),
            (Convolution + ".hada_w2_a", tensor(new float[,] { { 1, 1 } })), (Convolution + ".hada_w2_b", tensor(new float[,] { { 1, 2 } })), (Convolution + ".hada_t2", second),
            (Convolution + ".alpha", tensor(3f))));
        Tensor update = Update(Assert.Single(file.Modules).Value).reshape(2, 2, 3, 3);
        for (int place = 0; place < 9; place++)
        {
            float t1 = place + 1, t2 = 2, alpha = 3;
            // (a1 b1 t1) ⊙ (a2 b2 t2): (1 3; 2 6) t1 ⊙ (1 2; 1 2) t2 = (1 6; 2 12) t1 t2.
            float[] expected = [.. ((float[])[1, 6, 2, 12]).Select(product => product * t1 * t2 * alpha)];
            Assert.Equal(expected, update[.., .., place / 3, place % 3].contiguous().data<float>().ToArray());
        }
    }

    [Fact]
    public void A_LoHa_of_two_ranks_in_Tucker_form_sums_over_all_pairs()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        Tensor Random(params long[] shape) => randn(shape, generator: generator);
        Tensor[] w = [Random(2, 3), Random(2, 4), Random(2, 3), Random(2, 4)], t = [Random(2, 2, 3, 3), Random(2, 2, 3, 3)];
        string[] names = ["hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"];
        using LoraFile file = LoraFile.Read(Write(
            [.. w.Select((tensor, i) => ($"{Convolution}.{names[i]}", tensor)), (Convolution + ".hada_t1", t[0]), (Convolution + ".hada_t2", t[1]), (Convolution + ".alpha", tensor(1f))]));
        Tensor update = Update(Assert.Single(file.Modules).Value).reshape(3, 4, 3, 3);
        for (int o = 0; o < 3; o++)
        {
            for (int i = 0; i < 4; i++)
            {
                double expected = Sum(w[0], t[0], w[1], o, i) * Sum(w[2], t[1], w[3], o, i) / 2; // α / r = 1 / 2
                Assert.Equal(expected, update[o, i, 2, 0].item<float>(), 1e-5);
            }
        }
    }

    [Fact]
    public void A_LoKr_in_Tucker_form_is_the_Kronecker_product_with_the_sum()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(6);
        Tensor Random(params long[] shape) => randn(shape, generator: generator);
        Tensor w1 = tensor(new float[,] { { 1, 2 }, { -1, 3 } }), a = Random(2, 3), b = Random(2, 4), t = Random(2, 2, 3, 3);
        using LoraFile file = LoraFile.Read(Write(
            (Convolution + ".lokr_w1", w1), (Convolution + ".lokr_w2_a", a), (Convolution + ".lokr_w2_b", b), (Convolution + ".lokr_t2", t), (Convolution + ".alpha", tensor(6f))));
        Tensor update = Update(Assert.Single(file.Modules).Value).reshape(6, 8, 3, 3);
        for (int o = 0; o < 6; o++)
        {
            for (int i = 0; i < 8; i++)
            {
                double expected = w1[o / 3, i / 4].item<float>() * Sum(a, t, b, o % 3, i % 4) * 3; // α / r = 6 / 2
                Assert.Equal(expected, update[o, i, 2, 0].item<float>(), 1e-4);
            }
        }
    }

    [Theory]
    [InlineData("hada_t1", 2, 2, 3)]
    [InlineData("hada_w2_a", 2, 5)]
    [InlineData("hada_t2", 3, 3, 3, 3)]
    public void A_misshapen_part_of_a_Tucker_form_is_named(string part, params int[] shape)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> parts = new()
        {
            ["hada_w1_a"] = zeros(2, 3),
            ["hada_w1_b"] = zeros(2, 4),
            ["hada_t1"] = zeros(2, 2, 3, 3),
            ["hada_w2_a"] = zeros(2, 3),
            ["hada_w2_b"] = zeros(2, 4),
            ["hada_t2"] = zeros(2, 2, 3, 3),
        };
        parts[part] = zeros([.. shape.Select(side => (long)side)]);
        string path = Write([.. parts.Select(p => ($"{Convolution}.{p.Key}", p.Value))]);
        Assert.Contains($"{Convolution}.{part}'", Assert.Throws<CheckpointException>(() => LoraFile.Read(path)).Message);
    }

    [Theory]
    [InlineData(Module + ".oft_blocks")]
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

    private static Tensor Update(LoraMatrices matrices) => matmul(matrices.Up.flatten(1), matrices.Down.flatten(1)) * (matrices.Alpha / matrices.Rank);

    // Σ a[p,o] t[p,q,2,0] b[q,i], in float64.
    private static double Sum(Tensor a, Tensor t, Tensor b, int o, int i)
    {
        double sum = 0;
        for (int p = 0; p < a.shape[0]; p++)
        {
            for (int q = 0; q < b.shape[0]; q++)
            {
                sum += (double)a[p, o].item<float>() * t[p, q, 2, 0].item<float>() * b[q, i].item<float>();
            }
        }

        return sum;
    }

    private string Write(params (string Name, Tensor Tensor)[] tensors)
    {
        string path = Path.Combine(_folder, Guid.NewGuid() + ".safetensors");
        SafetensorsFile.Write(path, tensors.Select(t => KeyValuePair.Create(t.Name, t.Tensor)));
        return path;
    }
}

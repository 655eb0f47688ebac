using CsCheck;
using Taiyi.Files;
using Taiyi.Lora;
using Taiyi.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Taiyi.Tests.Lora;

[NoTensorLeak]
public class LoraAdapterTests
{
    private static readonly string First = Repository.Golden("lora/pytorch_lora_weights.safetensors");
    private static readonly string Second = Repository.Golden("lora/second_no_metadata.safetensors");

    [Fact]
    public void The_default_config_is_that_of_the_Taiyi_trainings_and_finds_every_attention_projection()
    {
        using UNet2DConditionModel unet = TinyUNet.Load();
        using Generator generator = new(0);
        using LoraAdapter adapter = LoraAdapter.Inject(unet, new LoraConfig(), generator);

        Assert.Equal((8, 16, 0.1), (adapter.Config.Rank, adapter.Config.Alpha, adapter.Config.Dropout));
        using LoraFile golden = LoraFile.Read(First); // made by peft with the same targets
        Assert.Equal(golden.Modules.Keys, adapter.Layers.Keys);
        Assert.Equal(64, adapter.Parameters.Count);
        Assert.All(golden.Modules, m => Assert.Equal(m.Value.Down.shape, adapter.Layers[m.Key].A.shape));
        Assert.All(golden.Modules, m => Assert.Equal(m.Value.Up.shape, adapter.Layers[m.Key].B.shape));
    }

    [Fact]
    public void The_output_is_unchanged_after_insertion_while_training_and_after_removal()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        using Generator generator = new(0);
        Tensor before = TinyUNet.Run(unet);
        using LoraAdapter adapter = LoraAdapter.Inject(unet, new LoraConfig(), generator);
        Assert.True(before.equal(TinyUNet.Run(unet)).all().item<bool>());
        adapter.Train(seed: 1, step: 1);
        Assert.True(before.equal(TinyUNet.Run(unet)).all().item<bool>());
        FillB(adapter);
        Close.AssertApart(before, TinyUNet.Run(unet), 1e-3);
        adapter.Remove();
        Assert.True(TinyUNet.SameBits(before, TinyUNet.Run(unet)));
    }

    [Fact]
    public void Only_A_and_B_get_gradients()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        foreach (Parameter parameter in unet.parameters())
        {
            parameter.requires_grad = true; // as a full training would leave it
        }

        using Generator generator = new(0);
        using LoraAdapter adapter = LoraAdapter.Inject(unet, new LoraConfig { Dropout = 0 }, generator);
        FillB(adapter);

        TinyUNet.RunWithGradients(unet).square().sum().backward();

        Assert.All(unet.named_parameters(), p => Assert.True(p.parameter.grad is null, p.name));
        Assert.All(adapter.Parameters, p => Assert.True(p.grad!.abs().max().item<float>() > 0));
    }

    [Fact]
    public void The_same_seed_draws_the_same_A_and_another_seed_another()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        Tensor a = Draw(5), again = Draw(5), other = Draw(6);
        Assert.True(TinyUNet.SameBits(a, again));
        Assert.False(TinyUNet.SameBits(a, other));

        Tensor Draw(ulong seed)
        {
            using Generator generator = new(seed);
            using LoraAdapter adapter = LoraAdapter.Inject(unet, new LoraConfig(), generator);
            return adapter.Layers[TinyUNet.ToOut].A.detach().clone();
        }
    }

    [Fact]
    public void Dropout_masks_depend_on_seed_and_step_alone_and_act_in_training_only()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        using Generator generator = new(0);
        using LoraAdapter adapter = LoraAdapter.Inject(unet, new LoraConfig { Dropout = 0.25 }, generator);
        FillB(adapter);
        Tensor inference = TinyUNet.Run(unet);
        Tensor step7 = Train(seed: 3, step: 7), step8 = Train(seed: 3, step: 8), otherSeed = Train(seed: 4, step: 7);

        Assert.True(TinyUNet.SameBits(step7, Train(seed: 3, step: 7)));
        Assert.True(TinyUNet.SameBits(step7, TinyUNet.Run(unet))); // a pass that gradient checkpointing computes again
        Assert.All([step8, otherSeed, inference], output => Close.AssertApart(step7, output, 1e-3));
        adapter.Eval();
        Assert.True(TinyUNet.SameBits(inference, TinyUNet.Run(unet)));

        Tensor Train(long seed, long step)
        {
            adapter.Train(seed, step);
            return TinyUNet.Run(unet);
        }
    }

    [Fact]
    public void Dropout_zeroes_its_share_of_the_input_and_keeps_the_mean()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        using Generator generator = new(0);
        using IDisposable noGrad = no_grad();
        using LoraAdapter adapter = LoraAdapter.Inject(unet, new LoraConfig { Rank = 1, Alpha = 1, Dropout = 0.25 }, generator);
        LoraLayer layer = adapter.Layers[TinyUNet.ToQ];
        layer.A.zero_()[0, 0] = 1; // B A x is the first input value
        layer.B.fill_(1);
        adapter.Train(seed: 0, step: 0);
        Tensor output = layer.Forward(ones(1, 100_000, layer.A.shape[1]))[0, .., 0];

        // Kept values are 1 / (1 - p) = 4/3; five standard errors of a share of 100000 are 0.007.
        Assert.Equal(0.25, (output == 0).to(ScalarType.Float64).mean().item<double>(), 0.007);
        Assert.All([output.max(), output[output != 0].min()], value => Assert.Equal(4 / 3f, value.item<float>(), 1e-6f));
    }

    [Fact]
    public void Merge_and_unmerge_in_any_order_restore_the_bits_of_every_weight()
    {
        using UNet2DConditionModel unet = TinyUNet.Load();
        Dictionary<string, Tensor> before = TinyUNet.Weights(unet);
        using LoraAdapter first = LoraAdapter.Load(unet, First), second = LoraAdapter.Load(unet, Second);
        LoraAdapter[] adapters = [first, second];

        // A walk of merges and unmerges: true toggles the first adapter, false the second.
        Gen.Select(Gen.Bool.Array[1, 6], Gen.Double[-2, 2], Gen.Double[-2, 2]).Sample((toggles, firstWeight, secondWeight) =>
        {
            (first.Weight, second.Weight) = (firstWeight, secondWeight);
            foreach (LoraAdapter adapter in toggles.Select(isFirst => adapters[isFirst ? 0 : 1]))
            {
                Toggle(adapter);
            }

            foreach (LoraAdapter adapter in adapters.Where(adapter => adapter.IsMerged))
            {
                adapter.Unmerge();
            }

            Assert.All(unet.named_parameters(), p => Assert.True(TinyUNet.SameBits(before[p.name], p.parameter), p.name));
        }, iter: 20, threads: 1);
        foreach (Tensor tensor in before.Values)
        {
            tensor.Dispose();
        }

        static void Toggle(LoraAdapter adapter)
        {
            if (adapter.IsMerged)
            {
                adapter.Unmerge();
            }
            else
            {
                adapter.Merge();
            }
        }
    }

    [Fact]
    public void Merged_weights_are_linear_in_the_weights_of_the_adapters()
    {
        using UNet2DConditionModel unet = TinyUNet.Load();
        using LoraAdapter first = LoraAdapter.Load(unet, First), second = LoraAdapter.Load(unet, Second);
        Parameter weight = unet.get_parameter(TinyUNet.ToQ + ".weight")!;
        Gen.Select(Gen.Double[-2, 2], Gen.Double[-2, 2]).Sample((firstWeight, secondWeight) =>
        {
            using var scope = NewDisposeScope();
            // W + w1 16/8 B1 A1 + w2 2/2 B2 A2: alpha is 16 by the first file's metadata, the rank by default in the second.
            using LoraFile firstFile = LoraFile.Read(First), secondFile = LoraFile.Read(Second);
            Tensor expected = weight.detach().to(ScalarType.Float64)
                + (firstWeight * 2 * Product(firstFile.Modules[TinyUNet.ToQ]))
                + (secondWeight * Product(secondFile.Modules[TinyUNet.ToQ]));
            (first.Weight, second.Weight) = (firstWeight, secondWeight);
            first.Merge();
            second.Merge();
            Close.Assert(expected, weight, 5e-6); // values up to about 20
            first.Unmerge();
            second.Unmerge();
        }, iter: 20, threads: 1);

        static Tensor Product(LoraMatrices m) => matmul(m.Up.to(ScalarType.Float64), m.Down.to(ScalarType.Float64));
    }

    [Fact]
    public void A_1x1_convolution_is_a_target_too_and_merges_to_the_same_output()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        using Generator generator = new(0);
        using LoraAdapter adapter = LoraAdapter.Inject(unet, new LoraConfig { TargetModules = ["proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"] }, generator);
        Assert.Equal(16, adapter.Layers.Count); // four transformers
        FillB(adapter);
        Tensor added = TinyUNet.Run(unet);
        adapter.Merge();
        Close.Assert(added, TinyUNet.Run(unet), 5e-5);
    }

    [Fact]
    public void Float32_matrices_work_on_a_bfloat16_base()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load(ScalarType.BFloat16);
        using LoraAdapter adapter = LoraAdapter.Load(unet, First);
        Tensor output = TinyUNet.Run(unet), golden = TinyUNet.Golden("alpha_kept.scale_1.0");
        Assert.Equal(ScalarType.BFloat16, output.dtype);
        Assert.Equal(ScalarType.Float32, adapter.Layers[TinyUNet.ToQ].A.dtype);
        // bfloat16 rounds by up to 1/256 in each of some twenty layers; a wrong alpha would be off by more than half.
        double error = (golden - output.to(ScalarType.Float32)).square().mean().sqrt().item<float>() / golden.std().item<float>();
        Assert.True(error < 0.05, $"relative error {error}");
    }

    [Fact]
    public void A_file_is_trained_on_with_CopyFrom()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        using Generator generator = new(0);
        using LoraFile file = LoraFile.Read(First);
        using LoraAdapter adapter = LoraAdapter.Inject(unet, file.Config, generator);
        adapter.CopyFrom(file);
        Assert.All(adapter.Parameters, p => Assert.True(p.requires_grad));
        Close.Assert(TinyUNet.Golden("alpha_kept.scale_1.0"), TinyUNet.Run(unet), 5e-5);

        using LoraAdapter other = LoraAdapter.Inject(unet, new LoraConfig { Rank = 4 }, generator);
        Assert.Contains("rank 8 and alpha 16", Assert.Throws<CheckpointException>(() => other.CopyFrom(file)).Message);
    }

    [Theory]
    [InlineData(0, 16, 0.1, "rank is 0")]
    [InlineData(8, double.NaN, 0.1, "alpha is NaN")]
    [InlineData(8, 16, 1.0, "dropout is 1")]
    public void A_config_out_of_range_is_refused(int rank, double alpha, double dropout, string message)
    {
        using UNet2DConditionModel unet = TinyUNet.Load();
        using Generator generator = new(0);
        LoraConfig config = new() { Rank = rank, Alpha = alpha, Dropout = dropout };
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => LoraAdapter.Inject(unet, config, generator)).Message);
    }

    [Fact]
    public void Targets_that_fit_nothing_are_refused()
    {
        using UNet2DConditionModel unet = TinyUNet.Load();
        using Generator generator = new(0);
        ArgumentException error = Assert.Throws<ArgumentException>(() => LoraAdapter.Inject(unet, new LoraConfig { TargetModules = ["q_proj"] }, generator));
        Assert.Contains("q_proj", error.Message);
        Assert.Contains(".attn1.to_", error.Message);
    }

    private static void FillB(LoraAdapter adapter)
    {
        using IDisposable noGrad = no_grad();
        using Generator generator = new(9);
        foreach (LoraLayer layer in adapter.Layers.Values)
        {
            layer.B.uniform_(-0.3, 0.3, generator);
        }
    }
}

using System.Text.Json.Nodes;
using Taiyi.Files;
using Taiyi.Lora;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Lora;

/// <summary>The numbers of diffusers and peft: tests/Golden/lora.json and lora.safetensors, tolerance of its README.</summary>
[NoTensorLeak]
public class LoraGoldenTests
{
    private const double Tolerance = 5e-5;

    [Fact]
    public void The_base_alone_gives_the_golden_output()
    {
        using UNet2DConditionModel unet = TinyUNet.Load();
        AssertOutput("base", unet);
    }

    [Theory]
    [InlineData("pytorch_lora_weights.safetensors", 1.0, "alpha_kept.scale_1.0")]
    [InlineData("pytorch_lora_weights.safetensors", 0.5, "alpha_kept.scale_0.5")]
    [InlineData("no_metadata.safetensors", 1.0, "alpha_lost.scale_1.0")]
    [InlineData("no_metadata.safetensors", 0.5, "alpha_lost.scale_0.5")]
    [InlineData("attn_procs.safetensors", 1.0, "alpha_lost.scale_1.0")]
    [InlineData("kohya.safetensors", 1.0, "alpha_kept.scale_1.0")]
    [InlineData("kohya.safetensors", 0.5, "alpha_kept.scale_0.5")]
    [InlineData("peft", 1.0, "alpha_kept.scale_1.0")]
    [InlineData("peft/adapter_model.safetensors", 0.5, "alpha_kept.scale_0.5")]
    [InlineData("second_no_metadata.safetensors", 1.0, "second.output")]
    public void Each_file_form_gives_the_golden_output(string file, double weight, string golden)
    {
        using UNet2DConditionModel unet = TinyUNet.Load();
        using LoraAdapter adapter = LoraAdapter.Load(unet, Repository.Golden("lora/" + file), weight);
        Assert.Empty(adapter.UnmatchedKeys);
        AssertOutput(golden, unet);
    }

    [Theory]
    [InlineData("pytorch_lora_weights.safetensors", "pytorch_lora_weights.safetensors", LoraFormat.Diffusers)]
    [InlineData("no_metadata.safetensors", "no_metadata.safetensors", LoraFormat.Diffusers)]
    [InlineData("kohya.safetensors", "kohya.safetensors", LoraFormat.Kohya)]
    [InlineData("peft/adapter_model.safetensors", "peft/ by PeftModel.from_pretrained", LoraFormat.Peft)]
    [InlineData("attn_procs.safetensors", "attn_procs.safetensors, 'unet.' put before each key", LoraFormat.OldDiffusers)]
    public void Each_file_form_is_recognised_and_takes_the_alpha_that_the_reference_takes(string file, string resolved, LoraFormat format)
    {
        JsonNode golden = JsonNode.Parse(File.ReadAllText(Repository.Golden("lora.json")))!;
        double rank = (double)golden["rank"]!;
        double expected = (string)golden["read_back_by_diffusers"]![resolved]!["resolves_to"]! == "alpha_kept" ? (double)golden["alpha"]! : rank;

        using LoraFile lora = LoraFile.Read(Repository.Golden("lora/" + file));

        Assert.Equal(format, lora.Format);
        Assert.All(lora.Modules.Values, matrices => Assert.Equal((rank, expected), (matrices.Rank, matrices.Alpha)));
        Assert.Equal(32, lora.Modules.Count);
    }

    [Fact]
    public void Merged_weights_give_the_output_of_fuse_lora_and_come_back_to_the_bit()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        Dictionary<string, Tensor> before = TinyUNet.Weights(unet);
        using LoraAdapter adapter = LoraAdapter.Load(unet, Repository.Golden("lora/pytorch_lora_weights.safetensors"));

        adapter.Merge();

        AssertOutput("fused.output", unet);
        Assert.All(adapter.Layers.Keys, path => Assert.False(TinyUNet.SameBits(before[path + ".weight"], unet.get_parameter(path + ".weight")!)));

        adapter.Unmerge();

        Assert.All(unet.named_parameters(), p => Assert.True(TinyUNet.SameBits(before[p.name], p.parameter), p.name));
        AssertOutput("alpha_kept.scale_1.0", unet);
        // The script stored these two after unfuse_lora, which subtracts: they are the base up to lora.json's unfuse_max_abs_diff.
        Assert.All([TinyUNet.ToQ, TinyUNet.ToOut], path => Close.Assert(TinyUNet.Golden($"fused.{path}.weight"), before[path + ".weight"], 1e-7));
    }

    [Fact]
    public void Two_adapters_mix_and_their_weights_change_between_two_calls()
    {
        using UNet2DConditionModel unet = TinyUNet.Load();
        using LoraAdapter first = LoraAdapter.Load(unet, Repository.Golden("lora/pytorch_lora_weights.safetensors"), 0.7);
        using LoraAdapter second = LoraAdapter.Load(unet, Repository.Golden("lora/second_no_metadata.safetensors"), 0.3);
        AssertOutput("two_adapters.output", unet);

        first.Enabled = false;
        second.Weight = 1;
        AssertOutput("second.output", unet);

        first.Enabled = true;
        first.Weight = 0.7;
        second.Weight = 0.3;
        first.Merge();
        second.Merge();
        AssertOutput("two_adapters.output", unet);

        second.Remove();
        first.Remove();
        AssertOutput("base", unet);
    }

    /// <summary>One training batch of training.safetensors, with A and B as stored there.</summary>
    [Fact]
    public void Gradients_of_A_and_B_are_those_of_the_reference()
    {
        using var scope = NewDisposeScope();
        JsonNode settings = JsonNode.Parse(File.ReadAllText(Repository.Golden("training.json")))!;
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("training.safetensors"));
        using UNet2DConditionModel unet = TinyUNet.Load();
        using Generator generator = new(0);
        LoraConfig config = new() { Rank = (int)settings["rank"]!, Alpha = (double)settings["alpha"]!, Dropout = 0 };
        using LoraAdapter adapter = LoraAdapter.Inject(unet, config, generator);
        using (no_grad())
        {
            foreach ((string path, LoraLayer layer) in adapter.Layers)
            {
                layer.A.copy_(golden.Read($"init.{path}.lora_A.weight"));
                layer.B.copy_(golden.Read($"init.{path}.lora_B.weight"));
            }
        }

        Tensor prediction = unet.call(golden.Read("batch0.noisy"), golden.Read("batch0.timesteps"), golden.Read("batch0.context"));
        Tensor loss = nn.functional.mse_loss(prediction, golden.Read("batch0.noise"));
        loss.backward();

        // This run took the batch in two halves, so its gradient before clipping is that of the mean of both losses.
        double expected = settings["runs"]!["accumulate_2_clip_1"]!["losses"]![0]!.AsArray().Average(half => (double)half!);
        Assert.Equal(expected, loss.item<float>(), 1e-5);
        foreach (string path in new[] { TinyUNet.ToQ, TinyUNet.ToOut })
        {
            Close.Assert(golden.Read($"accumulate_2_clip_1.first_grad.{path}.lora_A.weight"), adapter.Layers[path].A.grad!, 2e-5);
            Close.Assert(golden.Read($"accumulate_2_clip_1.first_grad.{path}.lora_B.weight"), adapter.Layers[path].B.grad!, 2e-5);
        }
    }

    private static void AssertOutput(string golden, UNet2DConditionModel unet)
    {
        using Tensor expected = TinyUNet.Golden(golden), actual = TinyUNet.Run(unet);
        Close.Assert(expected, actual, Tolerance);
    }
}

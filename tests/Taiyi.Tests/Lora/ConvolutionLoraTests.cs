using Taiyi.Files;
using Taiyi.Lora;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Lora;

/// <summary>LoRA on every linear layer and convolution: tests/Golden/conv_lora, made by diffusers and peft, tolerance of its README.</summary>
[NoTensorLeak]
public sealed class ConvolutionLoraTests : IDisposable
{
    private const string Values = "conv_lora.safetensors";
    private static readonly string[] Convolutions = ["conv1", "conv2", "conv_in", "conv_out", "downsamplers.0.conv", "upsamplers.0.conv", "conv_shortcut", "time_emb_proj"];
    private readonly string _folder = Directory.CreateTempSubdirectory("conv").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("pytorch_lora_weights.safetensors")]
    [InlineData("kohya.safetensors")]
    [InlineData("mixed_names.safetensors")] // diffusers itself drops half of this one
    public void Each_naming_gives_the_golden_output_beside_the_weights_and_merged_into_them(string file)
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        Close.Assert(TinyUNet.Golden("base", Values), TinyUNet.Run(unet, Values), 5e-5);
        using LoraAdapter adapter = LoraAdapter.Load(unet, Repository.Golden("conv_lora/" + file));
        Assert.Equal(79, adapter.Layers.Count);
        Assert.Empty(adapter.UnmatchedKeys);
        Assert.Empty(adapter.Warnings);
        Close.Assert(TinyUNet.Golden("output", Values), TinyUNet.Run(unet, Values), 5e-5);

        adapter.Merge();

        Close.Assert(TinyUNet.Golden("output", Values), TinyUNet.Run(unet, Values), 5e-5);
        foreach (string path in new[] { "down_blocks.0.resnets.0.conv1", "down_blocks.0.downsamplers.0.conv", "down_blocks.0.attentions.0.proj_in" })
        {
            Close.Assert(TinyUNet.Golden($"fused.{path}.weight", Values), unet.get_parameter(path + ".weight")!, 1e-5);
        }
    }

    [Theory]
    [InlineData(LoraFormat.Diffusers)]
    [InlineData(LoraFormat.Peft)]
    [InlineData(LoraFormat.Kohya)]
    public void A_file_of_mixed_names_is_written_as_the_reference_names_its_tensors(LoraFormat format)
    {
        using LoraFile mixed = LoraFile.Read(Repository.Golden("conv_lora/mixed_names.safetensors"));
        string reference = format == LoraFormat.Kohya ? "kohya" : "pytorch_lora_weights";
        using SafetensorsFile expected = SafetensorsFile.Open(Repository.Golden($"conv_lora/{reference}.safetensors"));
        using SafetensorsFile actual = SafetensorsFile.Open(LoraFile.Write(_folder, mixed, format));
        Dictionary<string, string> keys = expected.Tensors.Keys.ToDictionary(key => format == LoraFormat.Peft ? "base_model.model." + key["unet.".Length..] : key);
        Assert.Equal(keys.Keys.Order(StringComparer.Ordinal), actual.Tensors.Keys.Order(StringComparer.Ordinal));
        foreach ((string key, string golden) in keys)
        {
            using Tensor e = expected.Read(golden), a = actual.Read(key);
            Assert.True(TinyUNet.SameBits(e, a), key);
        }
    }

    [Fact]
    public void Older_diffusers_names_hold_no_convolution()
    {
        using LoraFile file = LoraFile.Read(Repository.Golden("conv_lora/kohya.safetensors"));
        Assert.Contains("older diffusers", Assert.Throws<ArgumentException>(() => LoraFile.Write(_folder, file, LoraFormat.OldDiffusers)).Message);
    }

    [Fact]
    public void Every_convolution_is_a_target_of_training_and_gets_a_gradient()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        using Generator generator = new(0);
        Tensor before = TinyUNet.Run(unet, Values);
        using LoraAdapter adapter = LoraAdapter.Inject(unet, new LoraConfig { Rank = 2, Dropout = 0, TargetModules = Convolutions }, generator);
        Close.Assert(before, TinyUNet.Run(unet, Values), 1e-5); // B is zero
        Assert.All(Convolutions, target => Assert.Contains(adapter.Layers.Keys, path => path.EndsWith(target, StringComparison.Ordinal)));
        using (no_grad())
        {
            foreach (LoraLayer layer in adapter.Layers.Values)
            {
                layer.B.uniform_(-0.1, 0.1, generator);
            }
        }

        TinyUNet.RunWithGradients(unet).square().sum().backward();
        Assert.All(adapter.Layers, layer => Assert.True(layer.Value.A.grad!.abs().max().item<float>() > 0 && layer.Value.B.grad!.abs().max().item<float>() > 0, layer.Key));

        Tensor added = TinyUNet.Run(unet, Values);
        string path = LoraFile.Write(_folder, adapter);
        adapter.Remove();
        Assert.True(TinyUNet.SameBits(before, TinyUNet.Run(unet, Values)));
        using LoraAdapter read = LoraAdapter.Load(unet, path);
        Close.Assert(added, TinyUNet.Run(unet, Values), 1e-6);
    }
}

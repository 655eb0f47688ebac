using Taiyi.Files;
using Taiyi.Lora;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Lora;

/// <summary>Other names for the same matrices, scales that are lost, and weights that are no numbers.</summary>
[NoTensorLeak]
public sealed class LoraNamesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("names").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("base_model.model.{0}.lora_A.default.weight")]
    [InlineData("base_model.model.unet.{0}.lora_A.style_2.weight")]
    [InlineData("unet.{0}.lora_A.default_0.weight")]
    [InlineData("{0}.lora_A.weight")]
    [InlineData("diffusion_model.{0}.lora_down.weight")]
    [InlineData("unet.{0}.lora.down.weight")]
    public void An_adapters_name_or_another_prefix_leads_to_the_same_module(string key)
    {
        const string path = "down_blocks.0.resnets.0.time_emb_proj";
        LoraKey? parsed = LoraKeys.Parse(string.Format(key, path), _ => null);
        Assert.Equal((path, LoraKeys.Down), (parsed!.Value.Path, parsed.Value.Part));
    }

    // The names of latent diffusion for the tiny UNet (two blocks of one layer), by hand from openaimodel.py: input_blocks 0 is conv_in, 1 a resnet
    // with attention, 2 the downsampler, 3 a resnet; output_blocks 0 and 1 the upper block's resnets with the upsampler behind the second.
    [Theory]
    [InlineData("input_blocks.0.0", "conv_in")]
    [InlineData("input_blocks.1.0.in_layers.2", "down_blocks.0.resnets.0.conv1")]
    [InlineData("input_blocks.1.0.emb_layers.1", "down_blocks.0.resnets.0.time_emb_proj")]
    [InlineData("input_blocks.1.1.transformer_blocks.0.attn1.to_out.0", "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0")]
    [InlineData("input_blocks.2.0.op", "down_blocks.0.downsamplers.0.conv")]
    [InlineData("input_blocks.3.0.out_layers.3", "down_blocks.1.resnets.0.conv2")]
    [InlineData("middle_block.1.proj_in", "mid_block.attentions.0.proj_in")]
    [InlineData("output_blocks.1.1.conv", "up_blocks.0.upsamplers.0.conv")]
    [InlineData("output_blocks.2.0.skip_connection", "up_blocks.1.resnets.0.conv_shortcut")]
    [InlineData("time_embed.2", "time_embedding.linear_2")]
    [InlineData("out.2", "conv_out")]
    public void Block_numbers_of_latent_diffusion_are_those_of_the_given_UNet(string ldm, string path)
    {
        using var scope = NewDisposeScope();
        UNet2DConditionConfig tiny = UNet2DConditionConfig.FromFile(Repository.Golden("tiny-taiyi/unet/config.json"));
        foreach (string name in new[] { "lora_unet_" + ldm.Replace('.', '_'), "diffusion_model." + ldm, "model.diffusion_model." + ldm })
        {
            using LoraFile file = LoraFile.Read(Write((name + ".lora_down.weight", zeros(2, 4)), (name + ".lora_up.weight", zeros(4, 2)), (name + ".alpha", tensor(1f))), tiny);
            Assert.Equal([path], file.Modules.Keys);
            Assert.Equal(1, file.Modules[path].Alpha);
        }
    }

    [Fact]
    public void Without_a_UNet_the_block_numbers_are_those_of_Stable_Diffusion_1()
    {
        using var scope = NewDisposeScope();
        // Block 4 there is the first resnet of the second level, after two resnets and a downsampler.
        using LoraFile file = LoraFile.Read(Write(("lora_unet_input_blocks_4_1_proj_in.lora_down.weight", zeros(2, 4)), ("lora_unet_input_blocks_4_1_proj_in.lora_up.weight", zeros(4, 2))));
        Assert.Equal(["down_blocks.1.attentions.0.proj_in"], file.Modules.Keys);
    }

    [Fact]
    public void A_PEFT_file_whose_config_is_lost_is_read_and_its_scale_told()
    {
        string path = Path.Combine(_folder, "adapter_model.safetensors");
        File.Copy(Repository.Golden("lora/peft/adapter_model.safetensors"), path);
        using UNet2DConditionModel unet = TinyUNet.Load();
        using (LoraAdapter adapter = LoraAdapter.Load(unet, path))
        {
            string warning = Assert.Single(adapter.Warnings);
            Assert.Contains("adapter_config.json", warning);
            Assert.Contains("scale of 1", warning);
            Assert.All(adapter.Layers.Values, layer => Assert.Equal(1, layer.Scale));
        }

        File.WriteAllText(Path.Combine(_folder, "adapter_config.json"), "{\"r\": 8}"); // incomplete
        using LoraFile incomplete = LoraFile.Read(path);
        Assert.Single(incomplete.Warnings);
        using LoraFile whole = LoraFile.Read(Repository.Golden("lora/peft"));
        Assert.Empty(whole.Warnings);
    }

    [Theory]
    [InlineData(float.NaN, true)]
    [InlineData(float.PositiveInfinity, false)]
    public void A_matrix_that_holds_no_number_is_named(float value, bool inUp)
    {
        using var scope = NewDisposeScope();
        Tensor down = ones(2, 64), up = ones(64, 2);
        (inUp ? up : down)[1, 1] = value;
        string path = Write(($"unet.{TinyUNet.ToQ}.lora.down.weight", down), ($"unet.{TinyUNet.ToQ}.lora.up.weight", up));
        string message = Assert.Throws<CheckpointException>(() => LoraFile.Read(path)).Message;
        Assert.Contains($"unet.{TinyUNet.ToQ}.lora.{(inUp ? "up" : "down")}.weight", message);
        Assert.Contains("NaN", message);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float16)]
    public void A_networks_weight_that_holds_no_number_is_named(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using nn.Module<Tensor, Tensor> linear = nn.Linear(3, 2, dtype: dtype);
        Tensor bias = zeros(2);
        bias[1] = float.NegativeInfinity;
        // Sums of these overflow a float16, though each is a number.
        string broken = Write(("weight", full(new long[] { 2, 3 }, 60000)), ("bias", bias)), sound = Write(("weight", full(new long[] { 2, 3 }, 60000)), ("bias", zeros(2)));
        using (SafetensorsFile file = SafetensorsFile.Open(sound))
        {
            StateDictLoader.Load(linear, file);
        }

        using SafetensorsFile bad = SafetensorsFile.Open(broken);
        string message = Assert.Throws<CheckpointException>(() => StateDictLoader.Load(linear, bad)).Message;
        Assert.Contains("'bias'", message);
        Assert.Contains(broken, message);
    }

    private string Write(params (string Name, Tensor Tensor)[] tensors)
    {
        string path = Path.Combine(_folder, Guid.NewGuid() + ".safetensors");
        SafetensorsFile.Write(path, tensors.Select(t => KeyValuePair.Create(t.Name, t.Tensor)));
        return path;
    }
}

using Taiyi.Files;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Lora;

/// <summary>The UNet of tests/Golden/tiny-taiyi and the inputs of lora.safetensors.</summary>
internal static class TinyUNet
{
    /// <summary>A module that has an adapter in every golden file.</summary>
    public const string ToQ = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";

    /// <summary>Another, whose name ends in a number.</summary>
    public const string ToOut = "mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0";

    public static UNet2DConditionModel Load(ScalarType dtype = ScalarType.Float32)
    {
        UNet2DConditionModel unet = new(UNet2DConditionConfig.FromFile(Repository.Golden("tiny-taiyi/unet/config.json")), CPU, dtype);
        using SafetensorsFile file = SafetensorsFile.Open(Repository.Golden("tiny-taiyi/unet/diffusion_pytorch_model.safetensors"));
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in unet.named_parameters())
        {
            file.CopyTo(name, parameter);
        }

        return unet;
    }

    /// <summary>The UNet's output for the golden sample, timestep and context; without gradients.</summary>
    public static Tensor Run(UNet2DConditionModel unet)
    {
        using IDisposable noGrad = no_grad();
        return RunWithGradients(unet);
    }

    /// <inheritdoc cref="Run(UNet2DConditionModel)"/>
    public static Tensor RunWithGradients(UNet2DConditionModel unet)
    {
        using var scope = NewDisposeScope();
        ScalarType dtype = unet.named_parameters().First().parameter.dtype;
        return unet.call(Golden("sample").to(dtype), Golden("timestep"), Golden("context").to(dtype)).MoveToOuterDisposeScope();
    }

    /// <summary>The UNet's output for the inputs of another golden file; without gradients.</summary>
    public static Tensor Run(UNet2DConditionModel unet, string file)
    {
        using IDisposable noGrad = no_grad();
        using var scope = NewDisposeScope();
        return unet.call(Golden("sample", file), Golden("timestep", file), Golden("context", file)).MoveToOuterDisposeScope();
    }

    /// <summary>A tensor of lora.safetensors, or of another golden file; the caller owns it.</summary>
    public static Tensor Golden(string name, string from = "lora.safetensors")
    {
        using SafetensorsFile file = SafetensorsFile.Open(Repository.Golden(from));
        return file.Read(name);
    }

    /// <summary>Copies of all weights by name, to compare bits with later.</summary>
    public static Dictionary<string, Tensor> Weights(nn.Module module) =>
        module.named_parameters().ToDictionary(p => p.name, p => Copy(p.parameter));

    private static Tensor Copy(Tensor tensor)
    {
        using Tensor detached = tensor.detach();
        return detached.clone();
    }

    /// <summary>Equal to the bit, sign of zero and NaN included.</summary>
    public static bool SameBits(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        return a.dtype == b.dtype && a.shape.SequenceEqual(b.shape) && a.detach().contiguous().bytes.SequenceEqual(b.detach().contiguous().bytes);
    }
}

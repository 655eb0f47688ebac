using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Tests.Files;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

/// <summary>The networks of tests/Golden/tiny-taiyi, or of taiyi-mini, with their weights.</summary>
internal static class GoldenModel
{
    // Files of diffusers 0.3.0 have the old names of the VAE's attention.
    private static readonly (string Now, string Old)[] OldVaeNames =
        [(".to_q.", ".query."), (".to_k.", ".key."), (".to_v.", ".value."), (".to_out.0.", ".proj_attn.")];

    public static BertTextEncoder TextEncoder(string folder, ScalarType? dtype = null)
    {
        BertTextEncoder network = new(BertConfig.FromFile(Path.Combine(folder, "text_encoder", "config.json")), dtype: dtype);
        Fill(network, Path.Combine(folder, "text_encoder", "model.safetensors"));
        return network;
    }

    public static UNet2DConditionModel UNet(string folder, ScalarType? dtype = null)
    {
        UNet2DConditionModel network = new(UNet2DConditionConfig.FromFile(Path.Combine(folder, "unet", "config.json")), dtype: dtype);
        Fill(network, Path.Combine(folder, "unet", "diffusion_pytorch_model.safetensors"));
        return network;
    }

    public static AutoencoderKL Vae(string folder, ScalarType? dtype = null)
    {
        AutoencoderKL network = new(AutoencoderKLConfig.FromFile(Path.Combine(folder, "vae", "config.json")), dtype: dtype);
        Fill(network, Path.Combine(folder, "vae", "diffusion_pytorch_model.safetensors"));
        return network;
    }

    public static string TinyTaiyi => Repository.Golden("tiny-taiyi");

    /// <summary>Writes tensors in the form that the path's ending names: <c>torch.save</c>'s or safetensors.</summary>
    public static void Save(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        if (path.EndsWith(".bin", StringComparison.Ordinal))
        {
            new TorchArchiveWriter().StateDict(tensors).Save(path);
            return;
        }

        SafetensorsFile.Write(path, tensors);
    }

    /// <summary>Writes the weights of tiny-taiyi's UNet in another form.</summary>
    public static void WriteUNet(string path, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(TinyTaiyi, "unet", "diffusion_pytorch_model.safetensors"));
        Save(path, file.Tensors.Keys.Select(name => KeyValuePair.Create(name, file.Read(name).to(dtype)))); // exact: see tests/Golden/README.md
    }

    /// <summary>The parameter name that an old VAE file has for a name of today.</summary>
    public static string OldVaeName(string name) =>
        name.Contains(".attentions.") ? OldVaeNames.Aggregate(name, (n, pair) => n.Replace(pair.Now, pair.Old)) : name;

    /// <summary>The submodule at a path such as <c>down_blocks.0.resnets.0</c>.</summary>
    public static T Submodule<T>(nn.Module network, string path)
        where T : nn.Module => (T)network.named_modules().Single(named => named.name == path).module;

    private static void Fill(nn.Module network, string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        foreach (var (name, parameter) in network.named_parameters())
        {
            file.CopyTo(file.Tensors.ContainsKey(name) ? name : OldVaeName(name), parameter);
        }
    }
}

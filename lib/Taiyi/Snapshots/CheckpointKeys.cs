using Taiyi.Files;
using Taiyi.Models;

namespace Taiyi.Snapshots;

/// <summary>How one file names the tensors of all three networks.</summary>
/// <remarks>
/// Either as latent diffusion does (<see cref="LdmKeys"/>), or under <c>unet.</c>, <c>vae.</c> and <c>text_encoder.</c> with the names
/// of diffusers, as the attributes of a training module are called: <c>fengshen/examples/finetune_taiyi_stable_diffusion/finetune.py</c>
/// of <c>https://github.com/IDEA-CCNL/Fengshenbang-LM</c>. Wrappers may put a prefix such as <c>module.</c> before all of them.
/// </remarks>
/// <param name="Wrapper">What comes before every prefix; mostly empty.</param>
/// <param name="IsLdm">Whether the names are those of latent diffusion.</param>
internal sealed record CheckpointKeys(string Wrapper, bool IsLdm)
{
    private const string UNetOfDiffusers = "unet.", VaeOfDiffusers = "vae.", TextEncoderOfDiffusers = "text_encoder.";
    private const string FirstConvolution = UNetOfDiffusers + "conv_in.weight";

    private string UNetPrefix => Wrapper + (IsLdm ? LdmKeys.UNetPrefix : UNetOfDiffusers);

    private string VaePrefix => Wrapper + (IsLdm ? LdmKeys.VaePrefix : VaeOfDiffusers);

    private string TextEncoderPrefix => Wrapper + (IsLdm ? LdmKeys.TextEncoderPrefix : TextEncoderOfDiffusers);

    /// <summary>Finds out which names a file uses.</summary>
    public static CheckpointKeys Of(IStateDictFile file)
    {
        foreach (string name in file.Tensors.Keys)
        {
            if (name.EndsWith(FirstConvolution, StringComparison.Ordinal) && IsWrapper(name[..^FirstConvolution.Length]))
            {
                return new CheckpointKeys(name[..^FirstConvolution.Length], IsLdm: false);
            }

            int ldm = name.IndexOf(LdmKeys.UNetPrefix, StringComparison.Ordinal);
            if (ldm >= 0 && IsWrapper(name[..ldm]))
            {
                return new CheckpointKeys(name[..ldm], IsLdm: true);
            }
        }

        return new CheckpointKeys("", IsLdm: true);
    }

    /// <summary>The prefixes under which the file has no tensor.</summary>
    public IEnumerable<string> Missing(IStateDictFile file) => ((string[])[UNetPrefix, VaePrefix, TextEncoderPrefix])
        .Where(prefix => !file.Tensors.Keys.Any(name => name.StartsWith(prefix, StringComparison.Ordinal)));

    /// <summary>The current name of a UNet tensor; null for a name of another network.</summary>
    public Func<string, string?> UNet(UNet2DConditionConfig config) => Below(UNetPrefix, IsLdm ? LdmKeys.UNet(config) : name => name);

    /// <summary>The current name of a VAE tensor; null for a name of another network.</summary>
    public Func<string, string?> Vae(AutoencoderKLConfig config) => Below(VaePrefix, IsLdm ? LdmKeys.Vae(config) : VaeAttentionKeys.Rename);

    /// <summary>The current name of a text encoder tensor; null for a name of another network.</summary>
    /// <exception cref="CheckpointException">The text encoder is CLIP.</exception>
    public Func<string, string?> TextEncoder(IStateDictFile file) => TextEncoderKeys.Renamer(file, TextEncoderPrefix);

    private static bool IsWrapper(string start) => start.Length == 0 || start.EndsWith('.');

    private static Func<string, string?> Below(string prefix, Func<string, string> rename) =>
        name => name.StartsWith(prefix, StringComparison.Ordinal) ? rename(name[prefix.Length..]) : null;
}

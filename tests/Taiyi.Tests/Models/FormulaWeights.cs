using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

/// <summary>Weights and inputs that any language can compute: the formula of tests/Golden/golden_full_size.py.</summary>
internal static class FormulaWeights
{
    // The last layer of a residual branch has half the gain, so that values stay near 1 through 60 layers.
    private static readonly string[] OutSuffixes = [".conv2.weight", ".proj_out.weight", ".to_out.0.weight", ".proj_attn.weight", ".ff.net.2.weight"];

    /// <summary>Fills every parameter of a float32 network on the CPU.</summary>
    /// <param name="network">The network.</param>
    /// <param name="fileName">The name in the model's file for a parameter's name.</param>
    public static void Fill(nn.Module network, Func<string, string> fileName)
    {
        foreach (var (name, parameter) in network.named_parameters())
        {
            string key = fileName(name);
            Span<float> values = MemoryMarshal.Cast<byte, float>(parameter.bytes);
            if (parameter.dim() > 1)
            {
                double gain = OutSuffixes.Any(key.EndsWith) ? 0.5 : 1.0;
                double fanIn = parameter.numel() / parameter.shape[0];
                Fill(values, key, offset: 0, scale: gain * Math.Sqrt(3) / Math.Sqrt(fanIn));
            }
            else if (key.EndsWith(".weight", StringComparison.Ordinal))
            {
                Fill(values, key, offset: 1, scale: 0.1);
            }
            else
            {
                Fill(values, key, offset: 0, scale: 0.02);
            }
        }
    }

    /// <summary>An input of variance 1 and the given shape, float32.</summary>
    public static Tensor Input(string key, params long[] shape)
    {
        Tensor input = empty(shape, dtype: ScalarType.Float32);
        Fill(MemoryMarshal.Cast<byte, float>(input.bytes), key, offset: 0, scale: Math.Sqrt(3));
        return input;
    }

    // offset + scale · u, with u uniform in (-1, 1) from a hash of key and flat index.
    private static void Fill(Span<float> values, string key, double offset, double scale)
    {
        uint hash = 2166136261; // FNV-1a
        foreach (byte letter in Encoding.UTF8.GetBytes(key))
        {
            hash = (hash ^ letter) * 16777619;
        }

        for (int i = 0; i < values.Length; i++)
        {
            uint x = hash + (uint)i * 0x9E3779B9;
            x ^= x >> 16;
            x *= 0x85EBCA6B;
            x ^= x >> 13;
            x *= 0xC2B2AE35;
            x ^= x >> 16;
            double u = (x + 0.5) / 2147483648.0 - 1;
            values[i] = (float)(offset + scale * u);
        }
    }
}

using System.Security.Cryptography;
using static TorchSharp.torch;

namespace Taiyi.Files;

/// <summary>SHA-256 of the values of weights: equal hashes mean the same network, whatever file it was read from.</summary>
internal static class WeightsHash
{
    /// <summary>The hash of all weights in their order, in lower-case hexadecimal digits.</summary>
    /// <param name="weights">Tensors of any shape, dtype and device.</param>
    public static string Of(IEnumerable<Tensor> weights)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, weights);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Adds the bytes of all weights in their order to a hash.</summary>
    /// <param name="hash">The hash.</param>
    /// <param name="weights">Tensors of any shape, dtype and device.</param>
    public static void Append(IncrementalHash hash, IEnumerable<Tensor> weights)
    {
        foreach (Tensor weight in weights)
        {
            using var scope = NewDisposeScope();
            hash.AppendData(weight.detach().cpu().contiguous().bytes);
        }
    }
}

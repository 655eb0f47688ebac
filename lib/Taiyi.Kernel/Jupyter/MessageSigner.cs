using System.Security.Cryptography;
using System.Text;

namespace Taiyi.Kernel.Jupyter;

/// <summary>
/// Signs the four JSON parts of a message: the lower-case hexadecimal HMAC-SHA256 of their concatenation
/// (<see href="https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol">messaging protocol, The wire protocol</see>).
/// </summary>
internal sealed class MessageSigner(string key)
{
    private readonly byte[] _key = Encoding.UTF8.GetBytes(key);

    /// <summary>The signature of the parts, empty where the key is empty.</summary>
    public byte[] Sign(params ReadOnlySpan<byte[]> parts)
    {
        if (_key.Length == 0)
        {
            return [];
        }

        using IncrementalHash hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        foreach (byte[] part in parts)
        {
            hmac.AppendData(part);
        }

        return Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hmac.GetHashAndReset()));
    }

    /// <summary>Whether the signature belongs to the parts; the comparison's time tells nothing about the key.</summary>
    public bool Verify(byte[] signature, params ReadOnlySpan<byte[]> parts) =>
        _key.Length == 0 || CryptographicOperations.FixedTimeEquals(signature, Sign(parts));
}

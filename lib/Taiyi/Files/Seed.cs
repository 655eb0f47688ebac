using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using TorchSharp;

namespace Taiyi.Files;

/// <summary>
/// The seed of one random draw. Every draw of this library has a seed of its own, which follows from the user's seed and from what is
/// drawn, never from what was drawn before: any draw can be repeated alone, and a resumed training goes on with the same numbers.
/// </summary>
/// <param name="Value">The 64 bits.</param>
internal readonly record struct Seed(ulong Value)
{
    private const ulong Gamma = 0x9E3779B97F4A7C15;

    /// <summary>A seed that the user chose; a negative one counts as its two's complement.</summary>
    public Seed(long value)
        : this(unchecked((ulong)value))
    {
    }

    /// <summary>The seed that a text stands for, such as <c>0/noise/17</c>: the first eight bytes of its SHA-256, little-endian.</summary>
    public static Seed Of(string text) => new(BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text))));

    /// <summary>The seed of one purpose among those that a user's seed serves.</summary>
    public static Seed Of(int seed, int purpose) => new(((ulong)(uint)seed << 32) + unchecked((uint)purpose));

    /// <summary>The seed that is larger by a number. Neighbours stay neighbours: see <see cref="Next"/>.</summary>
    public static Seed operator +(Seed seed, long number) => new(unchecked(seed.Value + (ulong)number));

    /// <summary>The next seed after this one: <see cref="At"/> of 0.</summary>
    public Seed Next() => At(0);

    /// <summary>
    /// Output n of the generator SplitMix64 that starts here. Neighbouring seeds and numbers give unrelated seeds (Steele, Lea, Flood 2014:
    /// Fast splittable pseudorandom number generators, figure 16).
    /// </summary>
    public Seed At(long number)
    {
        unchecked
        {
            ulong z = Value + (((ulong)number + 1) * Gamma);
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return new Seed(z ^ (z >> 31));
        }
    }

    /// <summary>torch's generator with this seed; the caller disposes of it.</summary>
    /// <param name="device">The CPU if null: its numbers may be copied to any device, where each device's own would differ.</param>
    public torch.Generator CreateGenerator(torch.Device? device = null) => new(Value, device);

    /// <summary>.NET's generator, which takes 31 bits of the seed.</summary>
    public Random CreateRandom() => new((int)(Value & int.MaxValue));
}

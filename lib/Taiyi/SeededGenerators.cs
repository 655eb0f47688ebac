using Taiyi.Files;
using static TorchSharp.torch;

namespace Taiyi;

/// <summary>
/// One random generator for each picture, so that picture i of a batch equals what its seed draws alone. Generators live
/// on the CPU: the same seed gives the same noise on every device.
/// </summary>
internal sealed class SeededGenerators : IDisposable
{
    /// <summary>Picture i of every prompt is seeded with seed + i, modulo 2^64; a null seed is drawn at random.</summary>
    public SeededGenerators(long? seed, int prompts, int imagesPerPrompt)
    {
        long first = seed ?? Random.Shared.Next();
        Seeds = [.. Enumerable.Range(0, prompts).SelectMany(_ => Enumerable.Range(0, imagesPerPrompt)).Select(i => first + i)];
        Generators = [.. Seeds.Select(s => new Seed(s).CreateGenerator())];
    }

    public IReadOnlyList<long> Seeds { get; }

    public IReadOnlyList<Generator> Generators { get; }

    public int Count => Seeds.Count;

    public void Dispose()
    {
        foreach (Generator generator in Generators)
        {
            generator.Dispose();
        }
    }
}

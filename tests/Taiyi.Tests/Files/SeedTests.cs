using Taiyi.Files;
using static TorchSharp.torch;

namespace Taiyi.Tests.Files;

public class SeedTests
{
    // The published outputs of SplitMix64 for the seed 1234567: https://rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64
    [Fact]
    public void Numbered_seeds_are_the_outputs_of_SplitMix64()
    {
        Seed seed = new(1234567L);

        Assert.Equal(
            [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821],
            Enumerable.Range(0, 5).Select(n => seed.At(n).Value));
        Assert.Equal(seed.At(0), seed.Next());
        Assert.Equal(1234570UL, (seed + 3).Value);
    }

    // SHA-256 of "abc" begins ba 78 16 bf 8f 01 cf ea: FIPS 180-4, example 1.
    [Fact]
    public void A_text_has_the_first_bytes_of_its_SHA_256() => Assert.Equal(0xeacf018fbf1678baUL, Seed.Of("abc").Value);

    [Fact]
    public void Generators_repeat_with_their_seed()
    {
        static float[] Draw(Seed seed)
        {
            using Generator generator = seed.CreateGenerator();
            using Tensor drawn = randn([4], ScalarType.Float32, CPU, generator: generator);
            return drawn.data<float>().ToArray();
        }

        Assert.Equal(Draw(new Seed(-1L)), Draw(new Seed(ulong.MaxValue)));
        Assert.NotEqual(Draw(new Seed(1L)), Draw(new Seed(2L)));
        Assert.Equal(new Random(5).Next(), new Seed(0x8000_0005UL).CreateRandom().Next()); // bit 31 is left out
    }
}

namespace Taiyi.Workshop.Pretraining;

/// <summary>Chance that depends on seed, number and purpose alone, so that any sample can be drawn again.</summary>
internal static class SampleRandom
{
    /// <summary>A generator for one purpose of one sample.</summary>
    public static Random For(int seed, long number, int purpose)
    {
        // The finaliser of SplitMix64 (Steele, Lea, Flood 2014): neighbouring numbers give unrelated seeds.
        ulong z = unchecked(((ulong)number * 0x9E3779B97F4A7C15) + ((ulong)(uint)seed << 32) + (uint)purpose + 0x9E3779B97F4A7C15);
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
        return new Random((int)((z ^ (z >> 31)) & int.MaxValue));
    }
}

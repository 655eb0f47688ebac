using Taiyi.Files;

namespace Taiyi.Workshop.Composing;

/// <summary>Chance that depends on the style, the drawing and the seed alone, not on what was composed before.</summary>
internal static class SubjectRandom
{
    /// <summary>A generator for one picture.</summary>
    public static Random For(string style, ArtSubject subject, int seed)
    {
        // FNV-1a in 32 bits, in place of Seed.Of: the sets in data/ were composed with it.
        uint hash = 2166136261;
        foreach (char letter in $"{style}/{subject.File}/{seed}")
        {
            hash = (hash ^ letter) * 16777619;
        }

        return new Seed((long)hash).CreateRandom();
    }

    /// <summary>One of several.</summary>
    public static T Pick<T>(this Random random, IReadOnlyList<T> choices) => choices[random.Next(choices.Count)];

    /// <summary>A number between two others.</summary>
    public static float Between(this Random random, float low, float high) => low + ((high - low) * random.NextSingle());
}

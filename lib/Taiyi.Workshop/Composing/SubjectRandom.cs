namespace Taiyi.Workshop.Composing;

/// <summary>Chance that depends on the style, the drawing and the seed alone, not on what was composed before.</summary>
internal static class SubjectRandom
{
    /// <summary>A generator for one picture.</summary>
    public static Random For(string style, ArtSubject subject, int seed)
    {
        // FNV-1a: string.GetHashCode differs from run to run.
        uint hash = 2166136261;
        foreach (char letter in $"{style}/{subject.File}/{seed}")
        {
            hash = (hash ^ letter) * 16777619;
        }

        return new Random((int)(hash & int.MaxValue));
    }

    /// <summary>One of several.</summary>
    public static T Pick<T>(this Random random, IReadOnlyList<T> choices) => choices[random.Next(choices.Count)];

    /// <summary>A number between two others.</summary>
    public static float Between(this Random random, float low, float high) => low + ((high - low) * random.NextSingle());
}

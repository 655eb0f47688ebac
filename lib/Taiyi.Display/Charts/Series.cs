using static TorchSharp.torch;

namespace Taiyi.Display;

/// <summary>A named series of numbers; a pair of a name and numbers is one: <c>("linear", betas)</c>.</summary>
/// <param name="Name">What the legend calls it, in any language.</param>
/// <param name="Values">Its numbers; NaN leaves a gap.</param>
public sealed record Series(string Name, IReadOnlyList<double> Values)
{
    /// <summary>A series of numbers.</summary>
    public static implicit operator Series((string Name, double[] Values) pair) => new(pair.Name, pair.Values);

    /// <summary>A series of numbers.</summary>
    public static implicit operator Series((string Name, float[] Values) pair) => new(pair.Name, Array.ConvertAll(pair.Values, value => (double)value));

    /// <summary>A series of numbers.</summary>
    public static implicit operator Series((string Name, IEnumerable<double> Values) pair) => new(pair.Name, [.. pair.Values]);

    /// <summary>A series of the numbers of a tensor of any shape, in its order.</summary>
    public static implicit operator Series((string Name, Tensor Values) pair) => new(pair.Name, Numbers(pair.Values));

    /// <summary>The numbers of a tensor as an array.</summary>
    internal static double[] Numbers(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.detach().to(float64, CPU).contiguous().data<double>().ToArray();
    }
}

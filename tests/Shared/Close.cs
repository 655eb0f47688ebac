using static TorchSharp.torch;

namespace Taiyi.Tests;

/// <summary>Compares tensors and, where they differ, says by how much and where.</summary>
internal static class Close
{
    /// <summary>Asserts equal shapes and a largest absolute difference of at most the tolerance; NaN never passes.</summary>
    public static void Assert(Tensor expected, Tensor actual, double tolerance)
    {
        Xunit.Assert.Equal(expected.shape, actual.shape);
        using var scope = NewDisposeScope();
        Tensor difference = (expected.to(float64).cpu() - actual.detach().to(float64).cpu()).abs();
        double largest = difference.max().item<double>();
        if (!(largest <= tolerance))
        {
            long at = difference.flatten().nan_to_num(double.PositiveInfinity).argmax().item<long>();
            Xunit.Assert.Fail(
                $"Largest difference {largest:g3} at flat index {at} of ({string.Join(", ", expected.shape)}): "
                + $"expected {expected.flatten()[at].to(float64).item<double>():g9}, actual {actual.flatten()[at].to(float64).item<double>():g9}, tolerance {tolerance:g3}.");
        }
    }

    /// <summary>Asserts equal shapes and a largest absolute difference of more than a least one: what should change did change.</summary>
    public static void AssertApart(Tensor first, Tensor second, double least)
    {
        double largest = Difference(first, second);
        Xunit.Assert.True(largest > least, $"Largest difference {largest:g3} of ({string.Join(", ", first.shape)}); more than {least:g3} was expected.");
    }

    /// <summary>The largest absolute difference of two tensors of one shape, computed in float64.</summary>
    public static double Difference(Tensor first, Tensor second)
    {
        Xunit.Assert.Equal(first.shape, second.shape);
        using var scope = NewDisposeScope();
        return (first.detach().to(float64).cpu() - second.detach().to(float64).cpu()).abs().max().item<double>();
    }
}

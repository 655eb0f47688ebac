using static TorchSharp.torch;

namespace Taiyi.Tests;

/// <summary>Random tensors that are the same in every run, whatever other tests draw meanwhile.</summary>
internal static class Seeded
{
    /// <summary>Values of N(0, 1), float32 on the CPU.</summary>
    public static Tensor Randn(ulong seed, params long[] shape)
    {
        using Generator generator = new(seed, CPU);
        return randn(shape, generator: generator);
    }

    /// <summary>Values of U(0, 1), float32 on the CPU.</summary>
    public static Tensor Rand(ulong seed, params long[] shape)
    {
        using Generator generator = new(seed, CPU);
        return rand(shape, generator: generator);
    }
}

using Taiyi.Cpu;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Models;

/// <summary>Which dtype weights are kept in, and which one is computed in.</summary>
public static class Precision
{
    /// <summary>
    /// The default dtype of weights: bfloat16 where the device computes it natively (a CPU with AVX512-BF16 or
    /// AMX, a CUDA device from compute capability 8.0), float32 elsewhere.
    /// </summary>
    public static ScalarType Default(Device device) => device.type switch
    {
        DeviceType.CPU => NativeBFloat16.IsSupported ? ScalarType.BFloat16 : ScalarType.Float32,
        DeviceType.CUDA => ScalarType.BFloat16,
        _ => ScalarType.Float32,
    };

    /// <summary>
    /// What a network computes in: the dtype of its weights, but float32 on a CPU that does not multiply that dtype. Weights of
    /// 16 bits then save memory, and each layer's are converted when it needs them; libtorch's own convolutions in 16 bits would
    /// take hundreds of times as long (tests/Taiyi.Benchmarks).
    /// </summary>
    /// <param name="weights">What the weights are kept in.</param>
    /// <param name="device">Where they are.</param>
    public static ScalarType ComputeDType(ScalarType weights, Device device) => weights switch
    {
        ScalarType.BFloat16 when device.type == DeviceType.CPU && !NativeBFloat16.IsSupported => ScalarType.Float32,
        ScalarType.Float16 when device.type == DeviceType.CPU => ScalarType.Float32,
        _ => weights,
    };

    /// <summary>The dtype itself, if weights can be kept in it.</summary>
    /// <exception cref="ArgumentException">It is none of float32, bfloat16, float16.</exception>
    public static ScalarType Check(ScalarType dtype) => dtype is ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16
        ? dtype
        : throw new ArgumentException($"Weights cannot be kept in {dtype}: choose float32, bfloat16 or float16.");
}

using Taiyi.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi;

/// <summary>Which dtype a device should compute in.</summary>
public static class Precision
{
    /// <summary>
    /// bfloat16 where the device computes it natively (a CPU with AVX512-BF16 or AMX, a CUDA device from compute
    /// capability 8.0), float32 elsewhere.
    /// </summary>
    public static ScalarType Default(Device device) => device.type switch
    {
        DeviceType.CPU => NativeBFloat16.IsSupported ? ScalarType.BFloat16 : ScalarType.Float32,
        DeviceType.CUDA => ScalarType.BFloat16,
        _ => ScalarType.Float32,
    };

    /// <summary>The dtype itself, if the device can sensibly compute in it.</summary>
    /// <exception cref="ArgumentException">float16 on a CPU, or a dtype that is none of float32, bfloat16, float16.</exception>
    public static ScalarType Check(ScalarType dtype, Device device) => (dtype, device.type) switch
    {
        (ScalarType.Float16, DeviceType.CPU) => throw new ArgumentException(
            "float16 on a CPU is hundreds of times slower than float32: choose bfloat16 or float32."),
        (ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16, _) => dtype,
        _ => throw new ArgumentException($"The networks cannot compute in {dtype}: choose float32, bfloat16 or float16."),
    };
}

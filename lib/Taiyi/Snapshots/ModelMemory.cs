using System.Globalization;
using Taiyi.Files;
using static TorchSharp.torch;

namespace Taiyi.Snapshots;

/// <summary>Whether all networks of a model find room in memory at once.</summary>
internal static class ModelMemory
{
    // Beside the weights a picture takes about a third of them: the maps of the UNet, of the decoder, and the program itself.
    private const double Need = 1.5;

    /// <summary>Whether less is free than the networks and a picture take.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dtype">What the weights are kept in.</param>
    public static bool IsShort(ModelFolder model, ScalarType dtype) => IsShort(WeightBytes(model, dtype), FreeBytes());

    /// <summary>The rule alone.</summary>
    /// <param name="weightBytes">Of all networks.</param>
    /// <param name="freeBytes">What programs can take; null where it is not known, and counts as enough.</param>
    internal static bool IsShort(long weightBytes, long? freeBytes) => freeBytes is { } free && free < Need * weightBytes;

    /// <summary>What the weights of all networks take in memory.</summary>
    internal static long WeightBytes(ModelFolder model, ScalarType dtype)
    {
        int size = dtype == ScalarType.Float32 ? sizeof(float) : sizeof(short);
        return ((Func<IStateDictFile>[])[model.OpenTextEncoder, model.OpenUNet, model.OpenVae]).Sum(open =>
        {
            using IStateDictFile file = open();
            return file.Tensors.Values.Sum(tensor => tensor.Shape.Aggregate(1L, (product, length) => product * length)) * size;
        });
    }

    // Linux says what programs can take without swapping; in a container less may be allowed, which the runtime knows.
    private static long? FreeBytes()
    {
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        if (!OperatingSystem.IsLinux())
        {
            return memory.MemoryLoadBytes > 0 ? Math.Max(0, memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes) : null;
        }

        try
        {
            string[] parts = File.ReadLines("/proc/meminfo").FirstOrDefault(line => line.StartsWith("MemAvailable:", StringComparison.Ordinal), "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return parts is [_, var number, ..] && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long kibibytes)
                ? Math.Min(kibibytes << 10, memory.TotalAvailableMemoryBytes)
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

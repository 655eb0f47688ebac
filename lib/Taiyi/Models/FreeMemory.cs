namespace Taiyi.Models;

/// <summary>Memory that a large computation on the CPU may still take.</summary>
internal static class FreeMemory
{
    /// <summary>Bytes that neither this process nor another one uses, to within a percent of the machine's (or container's) memory.</summary>
    public static long Bytes
    {
        get
        {
            GC.Collect(0); // .NET looks at the machine's memory in every collection, and at no other time
            GCMemoryInfo info = GC.GetGCMemoryInfo(GCKind.Any);
            return info.TotalAvailableMemoryBytes - info.MemoryLoadBytes;
        }
    }
}

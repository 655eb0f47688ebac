using static TorchSharp.torch;

namespace Taiyi.Files;

/// <summary>A block of raw elements beside the pickle: the entry <c>data/{Key}</c> of the archive.</summary>
internal sealed record TorchStorage(string Key, ScalarType DType, int ElementBytes, long Count);

/// <summary>A tensor as a view of a storage; offset and strides count elements.</summary>
internal sealed record TorchView(TorchStorage Storage, long Offset, long[] Shape, long[] Strides)
{
    /// <summary>Whether the elements are contiguous in row-major order.</summary>
    public bool IsContiguous
    {
        get
        {
            long expected = 1;
            for (int axis = Shape.Length - 1; axis >= 0; axis--)
            {
                if (Shape[axis] != 1 && Strides[axis] != expected)
                {
                    return Shape.Contains(0);
                }

                expected *= Shape[axis];
            }

            return true;
        }
    }

    /// <summary>Elements of the storage from the view's first to its last.</summary>
    public long Extent => (long)WideExtent;

    // Sizes and strides come from a file: a product of the two may pass 64 bits.
    private Int128 WideExtent => Shape.Contains(0)
        ? 0
        : Shape.Zip(Strides).Aggregate((Int128)1, (extent, axis) => extent + (Int128)(axis.First - 1) * axis.Second);

    /// <summary>Whether the view lies inside its storage and is no larger than a limit.</summary>
    public bool Fits(long maxBytes)
    {
        Int128 bytes = Storage.ElementBytes;
        foreach (long size in Shape)
        {
            bytes *= Math.Max(size, 1); // torch refuses overflow even where another size is 0
            if (bytes > maxBytes)
            {
                return false;
            }
        }

        return Offset + WideExtent <= Storage.Count;
    }
}

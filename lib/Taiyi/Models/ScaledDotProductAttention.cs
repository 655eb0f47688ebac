using Taiyi.Cpu;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>softmax(Q Kᵀ / √d) V, eq. (1) of "Attention Is All You Need" (arXiv:1706.03762): the one place where its kernel is chosen.</summary>
public static class ScaledDotProductAttention
{
    // Two million scores are 4 MB in bfloat16: they stay in the cache between the two products.
    private const long ScoresAtOnce = 1 << 21;

    // Columns that a product computes together: a vector of 512 bits holds 16 float32 sums.
    private const long VectorWidth = 16;

    // Exponentials need no largest score taken off while their sum is this far from what float32 cannot hold, 1e-38 and 3e38.
    private const double MinSum = 1e-30;

    /// <summary>Attention of every query to every key.</summary>
    /// <param name="query">(B, heads, L, d), where d is the width of one head.</param>
    /// <param name="key">(B, heads, Lk, d).</param>
    /// <param name="value">(B, heads, Lk, d).</param>
    /// <param name="mask">True where a key may be attended, broadcastable to (B, heads, L, Lk); null for everywhere.</param>
    /// <returns>(B, heads, L, d).</returns>
    /// <remarks>
    /// libtorch's fused kernel wins on a GPU and in float32, but on a CPU it multiplies bfloat16 no faster than float32;
    /// plain products use the processor's bfloat16 units, where it has them. Small heads go through them together, large
    /// ones in blocks of queries.
    /// </remarks>
    public static Tensor Compute(Tensor query, Tensor key, Tensor value, Tensor? mask = null)
    {
        bool productsAreFaster = query.dtype == ScalarType.BFloat16 && query.device_type == DeviceType.CPU && NativeBFloat16.IsSupported;
        return productsAreFaster && mask is null ? Blocked(query, key, value) : Fused(query, key, value, mask);
    }

    internal static Tensor Fused(Tensor query, Tensor key, Tensor value, Tensor? mask = null) =>
        functional.scaled_dot_product_attention(query, key, value, mask);

    internal static Tensor Blocked(Tensor query, Tensor key, Tensor value)
    {
        using var scope = NewDisposeScope();
        long[] shape = query.shape;                                                                   // B, heads, L, d
        long length = key.shape[2];
        long heads = Math.Max(1, ScoresAtOnce / (shape[2] * length)), rows = Math.Max(1, ScoresAtOnce / length);
        Tensor[] queries = query.flatten(0, 1).split(heads);                                          // (<= heads, L, d) each
        Tensor[] keys = (key.flatten(0, 1) / Math.Sqrt(shape[3])).transpose(1, 2).split(heads);       // (<= heads, d, Lk)
        Tensor[] values = WithOnes(value.flatten(0, 1)).split(heads);                                 // (<= heads, Lk, d or more)
        List<Tensor> outputs = [.. queries.Select((some, i) => Rows(some, keys[i], values[i], rows))]; // (<= heads, L, d)
        return Joined(outputs, 0).unflatten(0, shape[..2]).MoveToOuterDisposeScope();                 // (B, heads, L, d)
    }

    // Some heads, all their queries in blocks: (h, L, d), (h, d, Lk), (h, Lk, d or more) -> (h, L, d).
    private static Tensor Rows(Tensor query, Tensor key, Tensor value, long rows)
    {
        using var scope = NewDisposeScope();
        List<Tensor> blocks = [.. query.split(Math.Min(rows, query.shape[1]), 1).Select(block => Block(block, key, value))];
        return Joined(blocks, 1).MoveToOuterDisposeScope();
    }

    private static Tensor Block(Tensor query, Tensor key, Tensor value)
    {
        using var scope = NewDisposeScope();
        long width = query.shape[2];
        if (value.shape[2] > width)
        {
            Tensor sums = matmul(matmul(query, key).exp_(), value);                       // (h, <= rows, d and more)
            Tensor normalizer = sums.narrow(2, width, 1);                                 // Σ exp, (h, <= rows, 1)
            if (normalizer.min().ToDouble() > MinSum && normalizer.max().ToDouble() < 1 / MinSum)
            {
                return (sums.narrow(2, 0, width) / normalizer).MoveToOuterDisposeScope(); // (h, <= rows, d)
            }
        }

        return matmul(matmul(query, key).softmax(-1), value).narrow(2, 0, width).MoveToOuterDisposeScope();
    }

    // A width that is no multiple of the vector's leaves part of it idle. There a column of ones gives the sums of the
    // exponentials for nothing, so that softmax needs no passes of its own to find and divide by them.
    private static Tensor WithOnes(Tensor value)
    {
        long idle = -value.shape[2] & (VectorWidth - 1);
        return idle == 0 ? value : functional.pad(value, [0, idle], value: 1);
    }

    private static Tensor Joined(List<Tensor> parts, long dim) => parts.Count == 1 ? parts[0] : cat([.. parts], dim);
}

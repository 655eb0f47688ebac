using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>softmax(Q Kᵀ / √d) V, eq. (1) of "Attention Is All You Need" (arXiv:1706.03762): the one place where its kernel is chosen.</summary>
public static class ScaledDotProductAttention
{
    // 512 rows of scores against 4,096 keys are 4 MB in bfloat16: they stay in the cache between the two products.
    private const long QueryBlock = 512;

    /// <summary>Attention of every query to every key.</summary>
    /// <param name="query">(B, heads, L, d), where d is the width of one head.</param>
    /// <param name="key">(B, heads, Lk, d).</param>
    /// <param name="value">(B, heads, Lk, d).</param>
    /// <param name="mask">True where a key may be attended, broadcastable to (B, heads, L, Lk); null for everywhere.</param>
    /// <returns>(B, heads, L, d).</returns>
    /// <remarks>
    /// libtorch's fused kernel wins on a GPU and in float32, but on a CPU it multiplies bfloat16 no faster than float32;
    /// plain products use the processor's bfloat16 units, where it has them, and take about half the time.
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
        var (batch, heads) = (query.shape[0], query.shape[1]);
        List<Tensor> outputs = [];
        for (long b = 0; b < batch; b++)
        {
            for (long h = 0; h < heads; h++)
            {
                outputs.Add(BlockedHead(query[b, h], key[b, h], value[b, h])); // (L, d)
            }
        }

        return stack(outputs).unflatten(0, [batch, heads]).MoveToOuterDisposeScope(); // (B, heads, L, d)
    }

    private static Tensor BlockedHead(Tensor query, Tensor key, Tensor value)
    {
        using var scope = NewDisposeScope();
        Tensor keyTransposed = key.t() / Math.Sqrt(query.shape[1]); // (d, Lk)
        List<Tensor> rows = [];
        foreach (Tensor block in query.split(QueryBlock)) // (<= 512, d)
        {
            using var blockScope = NewDisposeScope();
            Tensor probabilities = matmul(block, keyTransposed).softmax(-1); // (<= 512, Lk)
            rows.Add(matmul(probabilities, value).MoveToOuterDisposeScope()); // (<= 512, d)
        }

        return cat(rows).MoveToOuterDisposeScope(); // (L, d)
    }
}

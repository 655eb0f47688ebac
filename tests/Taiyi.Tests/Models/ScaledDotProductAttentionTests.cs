using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

[NoTensorLeak]
public sealed class ScaledDotProductAttentionTests
{
    [Theory]
    [InlineData(1, 1, 1, 1, 4)] // one query, one key
    [InlineData(2, 3, 1, 9, 8)] // one query
    [InlineData(1, 2, 513, 1, 8)] // one key
    [InlineData(2, 2, 1000, 77, 40)] // all heads at once
    [InlineData(1, 1, 512, 4096, 16)] // exactly one block
    [InlineData(1, 3, 513, 4096, 20)] // one row more than a block, one head at a time
    [InlineData(5, 1, 1000, 1000, 16)] // two heads at a time, the last alone
    public void Both_kernels_agree_with_float64(int batch, int heads, int queries, int keys, int width)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(5, CPU);
        Tensor Random(int length) => randn([batch, heads, length, width], generator: generator);
        var (q, k, v) = (Random(queries), Random(keys), Random(keys));
        Tensor scores = matmul(q.to(ScalarType.Float64), k.to(ScalarType.Float64).transpose(-1, -2)) / Math.Sqrt(width);
        Tensor exact = matmul(scores.softmax(-1), v.to(ScalarType.Float64)); // arXiv:1706.03762, eq. (1)

        Close.Assert(exact, ScaledDotProductAttention.Compute(q, k, v), 5e-6);
        Close.Assert(exact, ScaledDotProductAttention.Fused(q, k, v), 5e-6);
        Close.Assert(exact, ScaledDotProductAttention.Blocked(q, k, v), 5e-6);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(20)] // sums by a column of ones
    public void In_bfloat16_both_kernels_stay_near_float64(int width)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(5, CPU);
        Tensor Random(int length) => randn([1, 2, length, width], generator: generator).bfloat16();
        var (q, k, v) = (Random(600), Random(33), Random(33));
        Tensor scores = matmul(q.to(ScalarType.Float64), k.to(ScalarType.Float64).transpose(-1, -2)) / Math.Sqrt(width);
        Tensor exact = matmul(scores.softmax(-1), v.to(ScalarType.Float64));

        // 8 bits of mantissa: a rounding of 2^-9 each in scores up to 6, probabilities and values up to 3.
        Close.Assert(exact, ScaledDotProductAttention.Fused(q, k, v), 0.03);
        Close.Assert(exact, ScaledDotProductAttention.Blocked(q, k, v), 0.05);
    }

    [Theory]
    [InlineData(100)] // exponentials that no float32 holds
    [InlineData(-100)] // exponentials that float32 rounds to zero
    public void Scores_far_from_zero_do_not_spoil_the_sums(double score)
    {
        using var scope = NewDisposeScope();
        Tensor q = full([1, 1, 2, 4], score), k = full([1, 1, 3, 4], 0.5), v = tensor(new[] { 1f, 2, 6 }).reshape(1, 1, 3, 1).expand(1, 1, 3, 4); // q·k/√4 = score

        Close.Assert(full([1, 1, 2, 4], 3.0), ScaledDotProductAttention.Blocked(q, k, v), 1e-5); // equal weights: the mean of 1, 2, 6
    }

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    public void Gradients_of_both_kernels_are_equal(int width)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(5, CPU);
        Tensor q = randn([1, 2, 514, width], generator: generator), k = randn([1, 2, 7, width], generator: generator);

        Tensor Gradient(Func<Tensor, Tensor, Tensor, Tensor> kernel)
        {
            Tensor query = q.clone().requires_grad_();
            kernel(query, k, k).pow(2).sum().backward();
            return query.grad!;
        }

        Tensor fused = Gradient((query, key, value) => ScaledDotProductAttention.Fused(query, key, value));
        Close.Assert(fused, Gradient(ScaledDotProductAttention.Blocked), 1e-5);
    }

    [Fact]
    public void A_masked_key_is_not_attended()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(5, CPU);
        Tensor q = randn([1, 1, 3, 4], generator: generator), k = randn([1, 1, 2, 4], generator: generator);
        Tensor mask = tensor(new[] { true, false }).reshape(1, 1, 1, 2);

        Tensor output = ScaledDotProductAttention.Compute(q, k, k, mask);

        Close.Assert(k[.., .., ..1].expand(1, 1, 3, 4), output, 1e-6); // all weight on the first
    }
}

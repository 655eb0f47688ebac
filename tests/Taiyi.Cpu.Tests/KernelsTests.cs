using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Cpu.Tests;

/// <summary>Every way in which a layer may be computed, beside libtorch in float64.</summary>
[NoTensorLeak]
public sealed class KernelsTests
{
    private const double Tolerance = 1e-4; // rounding of float32, of values up to 7; libtorch's own convolution is off by as much

    [Theory]
    [InlineData(7, true)]
    [InlineData(600, true)] // on AMD's processors a convolution
    [InlineData(600, false)]
    public void A_linear_map_agrees_with_float64_whatever_the_number_of_vectors_and_their_strides(int vectors, bool hasBias)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using Generator generator = new(3, CPU);
        Tensor weight = randn([24, 48], generator: generator) / 7; // outputs of variance 1
        Tensor? bias = hasBias ? randn([24], generator: generator) : null;
        Tensor input = randn([2, 48, vectors], generator: generator).transpose(1, 2); // (2, vectors, 48)

        Tensor exact = functional.linear(input.to(float64), weight.to(float64), bias?.to(float64));

        Close.Assert(exact, Kernels.Linear(input, weight, bias), 1e-5);
        Close.Assert(exact, Kernels.Linear(input.contiguous(), weight, bias), 1e-5);
        Close.Assert(exact[1], Kernels.Linear(input[1], weight, bias), 1e-5);
    }

    [Theory]
    [InlineData(12_500)] // 24.4 MiB inside: in parts
    [InlineData(100)]
    public void A_position_wise_network_gives_in_parts_what_it_gives_as_a_whole(int positions)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using Generator generator = new(3, CPU);
        Tensor input = randn([2, positions, 32], generator: generator), inner = randn([256, 32], generator: generator), outer = randn([32, 256], generator: generator);
        int calls = 0;

        Tensor output = Kernels.Positionwise(input, innerWidth: 256, x =>
        {
            calls++;
            return matmul(matmul(x, inner.t()).relu(), outer.t()) / 64;
        });

        Close.Assert(matmul(matmul(input, inner.t()).relu(), outer.t()) / 64, output, 1e-4);
        Assert.Equal(positions == 100 ? 1 : 2, calls); // 24 MiB are 24,576 positions of 256 float32
    }

    [Theory]
    [InlineData(1, 4, 3, 1, 7, 10)] // padding 1
    [InlineData(2, 32, 3, 2, 7, 10)] // stride 2, whose last row may be skipped
    [InlineData(2, 32, 1, 1, 5, 3)] // 1x1
    public void A_frozen_convolution_with_16_bit_weights_passes_on_the_gradient_of_float32(int batch, int channels, int kernel, int stride, int height, int width)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3, CPU);
        Tensor weight = (randn([16, channels, kernel, kernel], generator: generator) / (kernel * Math.Sqrt(channels))).half(), bias = randn([16], generator: generator).half();

        AssertSameGradient(
            randn([batch, channels, height, width], generator: generator),
            x => Kernels.Conv2d(x, weight, bias, stride, kernel / 2),
            x => functional.conv2d(x, weight.to(float32), bias.to(float32), [stride, stride], [kernel / 2, kernel / 2]),
            1e-5);
    }

    [Fact]
    public void A_frozen_linear_map_with_16_bit_weights_passes_on_the_gradient_of_float32()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3, CPU);
        Tensor weight = (randn([16, 32], generator: generator) / 6).half(), bias = randn([16], generator: generator).half();

        AssertSameGradient(
            randn([2, 3, 32], generator: generator), x => Kernels.Linear(x, weight, bias), x => functional.linear(x, weight.to(float32), bias.to(float32)), 1e-5);
    }

    [Fact]
    public void A_large_frozen_convolution_passes_on_the_gradient_of_float64()
    {
        using var scope = NewDisposeScope();
        (Tensor map, Tensor weight, Tensor bias) = RandomConvolution.Draw(batch: 1, channels: 64, outputs: 64, height: 261, width: 264);

        AssertSameGradient(
            map, x => Kernels.Conv2d(x, weight, bias, 1, 1), x => functional.conv2d(x.to(float64), weight.to(float64), bias.to(float64), [1, 1], [1, 1]), Tolerance);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(16)]
    public void A_convolution_of_bfloat16_to_few_outputs_stays_near_float32(int outputs)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        (Tensor map, Tensor weight, Tensor bias) = RandomConvolution.Draw(batch: 2, channels: 32, outputs, height: 16, width: 16);
        (Tensor x, Tensor w, Tensor b) = (map.bfloat16(), weight.bfloat16(), bias.bfloat16());

        Tensor exact = functional.conv2d(x.to(float32), w.to(float32), b.to(float32), [1, 1], [1, 1]);

        Close.Assert(exact, Kernels.Conv2d(x, w, b, 1, 1), 0.05); // of values up to 7, eight bits each
    }

    [Theory]
    [InlineData(4, true)]
    [InlineData(4, false)]
    [InlineData(8, true)] // a LoRA's
    public void The_gradient_through_few_outputs_holds_nothing_of_freed_memory(int outputs, bool isTrained)
    {
        using var scope = NewDisposeScope();
        (Tensor map, Tensor weight, Tensor bias) = RandomConvolution.Draw(batch: 16, channels: 64, outputs, height: 16, width: 16);
        for (int size = 1 << 10; size <= 1 << 22; size *= 2)
        {
            Tensor[] stale = [.. Enumerable.Range(0, 8).Select(_ => full(size, float.NaN))];
            Array.ForEach(stale, tensor => tensor.Dispose()); // what the next tensors of these sizes find
        }

        weight.requires_grad = isTrained;
        AssertSameGradient(
            map, x => Kernels.Conv2d(x, weight, bias, 1, 1), x => functional.conv2d(x.to(float64), weight.detach().to(float64), bias.to(float64), [1, 1], [1, 1]), Tolerance);
    }

    [Fact]
    public void A_convolution_without_a_bias_is_one_with_a_bias_of_zero()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        (Tensor map, Tensor weight, _) = RandomConvolution.Draw(batch: 1, channels: 64, outputs: 64, height: 261, width: 264);

        Close.Assert(functional.conv2d(map.to(float64), weight.to(float64), null, [1, 1], [1, 1]), Kernels.Conv2d(map, weight, bias: null, 1, 1), Tolerance);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_trained_convolution_has_the_gradients_of_float64(bool inputHasGradient)
    {
        using var scope = NewDisposeScope();
        (Tensor map, Tensor weight, Tensor bias) = RandomConvolution.Draw(batch: 3, channels: 64, outputs: 72, height: 8, width: 12);
        Tensor target = map.narrow(1, 0, 1).expand(-1, 72, -1, -1);
        Tensor[] exact = [map.to(float64).requires_grad_(inputHasGradient), weight.to(float64).requires_grad_(), bias.to(float64).requires_grad_()];
        functional.mse_loss(functional.conv2d(exact[0], exact[1], exact[2], [1L, 1], [1L, 1]), target.to(float64)).backward();
        Tensor[] ours = [map.clone().requires_grad_(inputHasGradient), weight.requires_grad_(), bias.requires_grad_()];

        functional.mse_loss(Kernels.Conv2d(ours[0], ours[1], ours[2], 1, 1), target).backward();

        for (int i = inputHasGradient ? 0 : 1; i < 3; i++)
        {
            Close.Assert(exact[i].grad!, ours[i].grad!, 1e-6); // of values up to 0.06
        }

        Assert.Equal(inputHasGradient, ours[0].grad is not null);
    }

    [Theory]
    [InlineData(64, 64)]
    [InlineData(64, 8)] // no fast way: too few outputs
    public void Norm_SiLU_and_convolution_together_give_what_they_give_one_after_the_other(int channels, int outputs)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        (Tensor map, Tensor weight, Tensor bias) = RandomConvolution.Draw(batch: 4, channels, outputs, height: 8, width: 12);
        map = (map * 0.1) + 5; // far from zero: a variance from a mean square loses digits there
        Tensor gamma = linspace(0.5, 1.5, channels, ScalarType.Float32), beta = linspace(-1, 1, channels, ScalarType.Float32);

        Tensor? together = Kernels.NormSiluConv2d(map, (gamma, beta, 32, 1e-6), weight, bias);

        Assert.Equal(MatrixTile.IsSupported && outputs == 64, together is not null);
        if (together is not null)
        {
            Tensor normed = functional.group_norm(map.to(float64), 32, gamma.to(float64), beta.to(float64), 1e-6);
            Close.Assert(functional.conv2d(functional.silu(normed), weight.to(float64), bias.to(float64), [1L, 1], [1L, 1]), together, 10 * Tolerance);
        }
    }

    private static void AssertSameGradient(Tensor input, Func<Tensor, Tensor> layer, Func<Tensor, Tensor> reference, double tolerance)
    {
        using Generator generator = new(5, CPU);
        Tensor x = input.detach().clone().requires_grad_(), y = input.detach().clone().requires_grad_();
        Tensor intermediate = x.alias();
        Tensor output = layer(intermediate), expected = reference(y);
        intermediate.Dispose(); // as a block does with its own, long before the backward pass
        Tensor direction = randn(expected.shape, dtype: expected.dtype, generator: generator); // a gradient that is another one everywhere
        output.backward([direction.to(output.dtype)]);
        expected.backward([direction]);

        Close.Assert(expected.detach(), output.detach(), tolerance);
        Close.Assert(y.grad!, x.grad!, tolerance);
    }
}

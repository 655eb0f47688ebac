using Taiyi.Lora;
using static TorchSharp.torch;

namespace Taiyi.Tests.Lora;

[NoTensorLeak]
public class LoraLayerTests
{
    private static readonly LoraConfig Config = new() { Rank = 2, Alpha = 4, Dropout = 0 };

    [Fact]
    public void The_update_is_alpha_over_r_B_A_x()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(0);
        using LoraLayer layer = LoraLayer.Create(zeros(2, 3), Config, generator);
        Fill(layer, a: new float[,] { { 1, 2, 3 }, { 0, 1, -1 } }, b: new float[,] { { 1, 0 }, { 2, -1 } });
        Tensor x = tensor(new float[,] { { 1, 0, 2 } });

        // A x = (7, -2); B A x = (7, 16); alpha / r = 2.
        Assert.Equal([14f, 32f], layer.Forward(x).data<float>().ToArray());
        Assert.Equal([7f, 16f], layer.Forward(x, factor: 0.5).data<float>().ToArray());
        // B A = (1 2 3; 2 3 7)
        Assert.Equal([2f, 4f, 6f, 4f, 6f, 14f], layer.WeightUpdate().data<float>().ToArray());
    }

    [Fact]
    public void A_picture_goes_through_as_a_1x1_convolution()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        using LoraLayer layer = LoraLayer.Create(zeros(5, 3, 1, 1), Config, generator);
        using (no_grad())
        {
            layer.B.uniform_(-1, 1, generator);
        }

        Tensor picture = rand(2, 3, 4, 4, generator: generator); // (B, C, H, W)
        Tensor pixels = picture.permute(0, 2, 3, 1); // (B, H, W, C)
        Tensor expected = matmul(pixels, layer.WeightUpdate().t()).permute(0, 3, 1, 2);
        Close.Assert(expected, layer.Forward(picture), 1e-6);
    }

    [Fact]
    public void A_strided_3x3_convolution_adds_what_its_weight_update_adds()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(5);
        using LoraLayer layer = LoraLayer.Create(zeros(5, 3, 3, 3), Config, generator, stride: 2, padding: 1);
        using (no_grad())
        {
            layer.B.uniform_(-1, 1, generator);
        }

        Assert.Equal([2L, 3, 3, 3], layer.A.shape);
        Assert.Equal([5L, 2, 1, 1], layer.B.shape);
        Assert.InRange(layer.A.abs().max().item<float>(), 0.5 / Math.Sqrt(27), 1 / Math.Sqrt(27)); // bound 1 / √fan_in, fan_in = 3 · 3 · 3
        Tensor picture = rand(2, 3, 8, 8, generator: generator); // (B, C, H, W)
        Tensor expected = nn.functional.conv2d(picture, layer.WeightUpdate().reshape(5, 3, 3, 3), strides: [2, 2], padding: [1, 1]);
        Assert.Equal([2L, 5, 4, 4], expected.shape);
        Close.Assert(expected, layer.Forward(picture), 1e-6);
    }

    [Fact]
    public void A_new_layer_adds_nothing_and_A_is_kaiming_uniform()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(2);
        using LoraLayer layer = LoraLayer.Create(zeros(10, 400), new LoraConfig { Rank = 100 }, generator);
        // a = sqrt(5): bound = sqrt(6 / (1 + 5) / 400) = 0.05; a uniform value's deviation is bound / sqrt(3).
        Assert.Equal(0, layer.Forward(ones(1, 400)).abs().max().item<float>());
        Assert.InRange(layer.A.abs().max().item<float>(), 0.0499f, 0.05f);
        Assert.Equal(0.05 / Math.Sqrt(3), layer.A.std().item<float>(), 3e-4);
        Assert.Equal(0, layer.A.mean().item<float>(), 6e-4); // four standard errors of 40000 values
    }

    [Fact]
    public void Gradients_of_A_and_B_equal_finite_differences()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3);
        using LoraLayer layer = LoraLayer.Create(zeros(3, 4), Config, generator);
        using (no_grad())
        {
            layer.B.uniform_(-1, 1, generator);
        }

        Tensor x = rand(5, 4, generator: generator), target = rand(5, 3, generator: generator);
        Tensor Loss() => (layer.Forward(x) - target).square().sum();
        Loss().backward();

        foreach (Tensor matrix in new Tensor[] { layer.A, layer.B })
        {
            float[] gradient = matrix.grad!.data<float>().ToArray();
            for (int i = 0; i < gradient.Length; i++)
            {
                // The loss is quadratic in one entry: the central difference has no truncation error, only rounding.
                double difference = (At(matrix, i, +0.25f) - At(matrix, i, -0.25f)) / 0.5;
                Assert.Equal(gradient[i], difference, 1e-4 * Math.Max(1, Math.Abs(difference)));
            }
        }

        double At(Tensor matrix, int index, float step)
        {
            using IDisposable noGrad = no_grad();
            using Tensor before = matrix.clone();
            matrix.view(-1)[index] += step;
            double loss = Loss().item<float>();
            matrix.copy_(before);
            return loss;
        }
    }

    [Fact]
    public void A_bfloat16_input_meets_float32_matrices()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(4);
        using LoraLayer layer = LoraLayer.Create(zeros(2, 3), Config, generator);
        Fill(layer, a: new float[,] { { 1, 2, 3 }, { 0, 1, -1 } }, b: new float[,] { { 1, 0 }, { 2, 1 / 1024f } });
        Tensor result = layer.Forward(tensor(new float[,] { { 1, 0, 2 } }).to(ScalarType.BFloat16));
        Assert.Equal(ScalarType.Float32, result.dtype);
        // 2 (2 * 7 - 2 / 1024): a bfloat16 could not hold the last term.
        Assert.Equal([14f, 28f - (4 / 1024f)], result.data<float>().ToArray());
    }

    private static void Fill(LoraLayer layer, float[,] a, float[,] b)
    {
        using IDisposable noGrad = no_grad();
        using Tensor aTensor = tensor(a), bTensor = tensor(b);
        layer.A.copy_(aTensor);
        layer.B.copy_(bTensor);
    }
}

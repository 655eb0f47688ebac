using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Lora;

/// <summary>
/// The trainable low-rank update of one frozen linear map: h = W x + (α / r) B A x.
/// LoRA, arXiv 2106.09685 eq. (3). This layer is the second term; the base module keeps W.
/// </summary>
/// <remarks>
/// A and B are float32 whatever the dtype of W: small updates vanish in the eight bits of a bfloat16.
/// A 1×1 convolution is the same linear map at every pixel, so it has the same two matrices.
/// </remarks>
public sealed class LoraLayer : IDisposable
{
    private LoraLayer(Tensor a, Tensor b, double alpha, double dropout, bool requiresGrad)
    {
        A = Parameter(a, requiresGrad);
        B = Parameter(b, requiresGrad);
        A.DetachFromDisposeScope();
        B.DetachFromDisposeScope();
        Alpha = alpha;
        Dropout = dropout;
    }

    /// <summary>A, "down": (r, in), or (r, in, 1, 1) beside a convolution; float32.</summary>
    public Parameter A { get; }

    /// <summary>B, "up": (out, r), or (out, r, 1, 1) beside a convolution; float32.</summary>
    public Parameter B { get; }

    /// <summary>r.</summary>
    public long Rank => A.shape[0];

    /// <summary>α.</summary>
    public double Alpha { get; }

    /// <summary>α / r.</summary>
    public double Scale => Alpha / Rank;

    /// <summary>Probability with which an input value of A is zeroed while training.</summary>
    public double Dropout { get; }

    /// <summary>Seed of the dropout mask of the current training step; null outside training.</summary>
    internal ulong? DropoutSeed { get; set; }

    /// <summary>
    /// A new layer that changes nothing yet: A is Kaiming-uniform with a = √5 and B is zero, so B A = 0
    /// (the initialisation of microsoft/LoRA, loralib/layers.py <c>reset_parameters</c>).
    /// </summary>
    /// <param name="weight">W of the base module, (out, in) or (out, in, 1, 1): its shape and device are taken.</param>
    /// <param name="config">Rank, alpha and dropout.</param>
    /// <param name="generator">Draws A, on the CPU, so that a seed means the same on every device.</param>
    /// <returns>A layer with gradients.</returns>
    public static LoraLayer Create(Tensor weight, LoraConfig config, Generator generator)
    {
        using var scope = NewDisposeScope();
        (long outFeatures, long inFeatures, long[] kernel) = (weight.shape[0], weight.shape[1], weight.shape[2..]);
        // Kaiming-uniform: bound = √(6 / ((1 + a²) fan_in)) = 1 / √fan_in for a = √5.
        double bound = 1 / Math.Sqrt(inFeatures);
        Tensor a = empty([config.Rank, inFeatures, .. kernel], ScalarType.Float32, CPU).uniform_(-bound, bound, generator);
        Tensor b = zeros([outFeatures, config.Rank, .. kernel], ScalarType.Float32, weight.device);
        return new LoraLayer(a.to(weight.device), b, config.Alpha, config.Dropout, requiresGrad: true);
    }

    /// <summary>A layer without gradients from the matrices of a file, which are copied.</summary>
    /// <param name="weight">W of the base module: its device and number of dimensions are taken.</param>
    /// <param name="matrices">Of the module's size.</param>
    internal static LoraLayer FromMatrices(Tensor weight, LoraMatrices matrices)
    {
        using var scope = NewDisposeScope();
        return new LoraLayer(Copy(matrices.Down), Copy(matrices.Up), matrices.Alpha, dropout: 0, requiresGrad: false);

        Tensor Copy(Tensor matrix) =>
            matrix.detach().reshape([matrix.shape[0], matrix.shape[1], .. weight.shape[2..]]).to(ScalarType.Float32, weight.device, copy: true);
    }

    /// <summary>(α / r) B A x times a factor.</summary>
    /// <param name="x">Input of the base module: (…, in), or (B, in, H, W) for a 1×1 convolution; any float dtype.</param>
    /// <param name="factor">What the user scales this adapter by; 1 for the formula alone.</param>
    /// <returns>(…, out) or (B, out, H, W), float32; the caller owns it.</returns>
    public Tensor Forward(Tensor x, double factor = 1)
    {
        using var scope = NewDisposeScope();
        x = DropInput(x.to(A.dtype));
        double scale = factor * Scale; // applied to A x, which is narrow
        Tensor result = A.dim() == 4
            ? functional.conv2d(functional.conv2d(x, A) * scale, B) // (B, in, H, W) -> (B, r, H, W) -> (B, out, H, W)
            : functional.linear(functional.linear(x, A) * scale, B); // (…, in) -> (…, r) -> (…, out)
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>ΔW = (α / r) B A, (out, in) float32, without gradient; the caller owns it.</summary>
    public Tensor WeightUpdate()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        return (matmul(B.flatten(1), A.flatten(1)) * Scale).MoveToOuterDisposeScope();
    }

    /// <summary>Frees A and B.</summary>
    public void Dispose()
    {
        A.Dispose();
        B.Dispose();
    }

    // The mask is a function of the seed alone: a recomputed forward pass (gradient checkpointing) and a resumed
    // training draw the mask of the first time.
    private Tensor DropInput(Tensor x)
    {
        if (DropoutSeed is not ulong seed || Dropout == 0)
        {
            return x;
        }

        using var generator = new Generator(seed, x.device);
        Tensor keep = empty_like(x).bernoulli_(1 - Dropout, generator);
        return x * keep / (1 - Dropout);
    }
}

using Taiyi.Cpu;
using Taiyi.Files;
using Taiyi.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Lora;

/// <summary>
/// The trainable low-rank update of one frozen linear map or convolution: h = W x + (α / r) B A x.
/// LoRA, arXiv 2106.09685 eq. (3). This layer is the second term; the base module keeps W.
/// </summary>
/// <remarks>
/// A and B are float32 whatever the dtype of W: small updates vanish in the eight bits of a bfloat16.
/// Beside a convolution A is one of the same kernel, stride and padding to r channels, and B a 1×1 convolution: LoCon
/// (LyCORIS, arXiv 2309.14859 section 3.1), which PEFT and LCM-LoRA do likewise. With a <see cref="Magnitude"/> it is DoRA, which is
/// read from files and not trained: h = W' x.
/// </remarks>
public sealed class LoraLayer : IDisposable
{
    private readonly (long Stride, long Padding) _window;

    private LoraLayer(Tensor a, Tensor b, (long Stride, long Padding) window, double alpha, double dropout, bool requiresGrad, Tensor? magnitude = null)
    {
        _window = window;
        A = Parameter(a, requiresGrad);
        B = Parameter(b, requiresGrad);
        A.DetachFromDisposeScope();
        B.DetachFromDisposeScope();
        Magnitude = magnitude?.DetachFromDisposeScope();
        Alpha = alpha;
        Dropout = dropout;
    }

    /// <summary>A, "down": (r, in), or (r, in, kernel, kernel) beside a convolution; float32.</summary>
    public Parameter A { get; }

    /// <summary>B, "up": (out, r), or (out, r, 1, 1) beside a convolution; float32.</summary>
    public Parameter B { get; }

    /// <summary>m of DoRA: (out, 1), or (1, in) where it belongs to the inputs; float32. Null in a LoRA.</summary>
    public Tensor? Magnitude { get; }

    /// <summary>r.</summary>
    public long Rank => A.shape[0];

    /// <summary>α.</summary>
    public double Alpha { get; }

    /// <summary>α / r.</summary>
    public double Scale => Alpha / Rank;

    /// <summary>Probability with which an input value of A is zeroed while training.</summary>
    public double Dropout { get; }

    /// <summary>Seed of the dropout mask of the current training step; null outside training.</summary>
    internal Seed? DropoutSeed { get; set; }

    /// <summary>Place in the training's batch of each picture in the input; null for 0, 1, 2, …</summary>
    internal IReadOnlyList<long>? DropoutRows { get; set; }

    /// <summary>
    /// A new layer that changes nothing yet: A is Kaiming-uniform with a = √5 and B is zero, so B A = 0
    /// (the initialisation of microsoft/LoRA, loralib/layers.py <c>reset_parameters</c>).
    /// </summary>
    /// <param name="weight">W of the base module, (out, in) or (out, in, kernel, kernel): its shape and device are taken.</param>
    /// <param name="config">Rank, alpha and dropout.</param>
    /// <param name="generator">Draws A, on the CPU, so that a seed means the same on every device.</param>
    /// <param name="stride">The base convolution's.</param>
    /// <param name="padding">The base convolution's.</param>
    /// <returns>A layer with gradients.</returns>
    public static LoraLayer Create(Tensor weight, LoraConfig config, Generator generator, long stride = 1, long padding = 0)
    {
        using var scope = NewDisposeScope();
        (long outFeatures, long inFeatures, long[] kernel) = (weight.shape[0], weight.shape[1], weight.shape[2..]);
        // Kaiming-uniform: bound = √(6 / ((1 + a²) fan_in)) = 1 / √fan_in for a = √5.
        double bound = 1 / Math.Sqrt(weight[0].numel());
        Tensor a = empty([config.Rank, inFeatures, .. kernel], ScalarType.Float32, CPU).uniform_(-bound, bound, generator);
        Tensor b = zeros([outFeatures, config.Rank, .. kernel.Select(_ => 1L)], ScalarType.Float32, weight.device);
        return new LoraLayer(a.to(weight.device), b, (stride, padding), config.Alpha, config.Dropout, requiresGrad: true);
    }

    /// <summary>A layer without gradients from the matrices of a file, which are copied.</summary>
    /// <param name="module">The base module: the device and the number of dimensions of its weight are taken.</param>
    /// <param name="matrices">Of the module's size.</param>
    internal static LoraLayer FromMatrices(WeightedLayer module, LoraMatrices matrices)
    {
        using var scope = NewDisposeScope();
        long[] kernel = module.Weight.shape[2..];
        Tensor? magnitude = matrices.Magnitude is { } m ? Copy(m, []) : null;
        return new LoraLayer(
            Copy(matrices.Down, kernel), Copy(matrices.Up, [.. kernel.Select(_ => 1L)]), LoraTargets.Window(module), matrices.Alpha, dropout: 0, requiresGrad: false, magnitude);

        Tensor Copy(Tensor matrix, long[] kernel) =>
            matrix.detach().reshape([matrix.shape[0], matrix.shape[1], .. kernel]).to(ScalarType.Float32, module.Weight.device, copy: true);
    }

    /// <summary>(α / r) B A x times a factor.</summary>
    /// <param name="x">Input of the base module: (…, in), or (B, in, H, W) for a convolution; any float dtype.</param>
    /// <param name="factor">What the user scales this adapter by; 1 for the formula alone.</param>
    /// <returns>(…, out) or (B, out, H/stride, W/stride), float32; the caller owns it.</returns>
    public Tensor Forward(Tensor x, double factor = 1)
    {
        using var scope = NewDisposeScope();
        x = DropInput(x.to(A.dtype));
        double scale = factor * Scale; // applied to A x, which is narrow
        Tensor result = A.dim() == 4
            // (B, in, H, W) -> (B, r, H/stride, W/stride) -> (B, out, H/stride, W/stride)
            ? Kernels.Conv2d(Kernels.Conv2d(x, A, bias: null, _window.Stride, _window.Padding) * scale, B, bias: null, stride: 1, padding: 0)
            : functional.linear(functional.linear(x, A) * scale, B); // (…, in) -> (…, r) -> (…, out)
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>What the layer adds to its module's output: <see cref="Forward(Tensor, double)"/>, and with a magnitude W' x - W x.</summary>
    internal Tensor Forward(Tensor x, double factor, WeightedLayer module)
    {
        if (Magnitude is null)
        {
            return Forward(x, factor);
        }

        // Made anew at every call: beside the product with all positions of x it costs little, and a copy of every weight much memory.
        using var scope = NewDisposeScope();
        Tensor change = WeightChange(module.Weight, factor);
        Tensor input = x.to(change.dtype);
        Tensor result = change.dim() == 4 ? Kernels.Conv2d(input, change, bias: null, _window.Stride, _window.Padding) : functional.linear(input, change);
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// What the layer adds to W: factor · ΔW, and with a magnitude m V / ‖V‖ - W with V = W + factor · ΔW, as PEFT has it. A factor of 0
    /// adds nothing, whatever m is.
    /// </summary>
    /// <param name="weight">W, (out, in) or (out, in, kernel, kernel), any float dtype.</param>
    /// <param name="factor">What the user scales this adapter by.</param>
    /// <returns>Of the shape of W, float32, without gradient; the caller owns it.</returns>
    public Tensor WeightChange(Tensor weight, double factor = 1)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor update = (WeightUpdate() * factor).reshape(weight.shape);
        if (Magnitude is null || factor == 0)
        {
            return update.MoveToOuterDisposeScope();
        }

        Tensor original = weight.to(ScalarType.Float32);
        return (WeightDecomposition.Apply(Magnitude, original + update) - original).MoveToOuterDisposeScope();
    }

    /// <summary>ΔW = (α / r) B A, (out, in) or (out, in · kernel · kernel) float32, without gradient; the caller owns it.</summary>
    public Tensor WeightUpdate()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        return (matmul(B.flatten(1), A.flatten(1)) * Scale).MoveToOuterDisposeScope();
    }

    /// <summary>Frees A, B and m.</summary>
    public void Dispose()
    {
        A.Dispose();
        B.Dispose();
        Magnitude?.Dispose();
    }

    // A picture's mask is a function of the seed and its place in the batch: a recomputed forward pass (gradient checkpointing), a resumed
    // training and one whose batch is spread over processes draw the mask of the first time.
    private Tensor DropInput(Tensor x)
    {
        if (DropoutSeed is not Seed seed || Dropout == 0)
        {
            return x;
        }

        Tensor keep = empty_like(x);
        for (int i = 0; i < keep.shape[0]; i++)
        {
            using Generator generator = seed.At(DropoutRows is { } rows ? rows[i] : i).CreateGenerator(x.device);
            keep[i].bernoulli_(1 - Dropout, generator);
        }

        return x * keep / (1 - Dropout);
    }
}

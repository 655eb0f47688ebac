using static TorchSharp.torch;

namespace Taiyi.Cpu;

/// <summary>Winograd's convolution in a training of its filters: forward, and the gradients of input, filters and bias backward.</summary>
internal static class WinogradLayer
{
    /// <summary>(B, C, H, W) -> (B, O, H, W); the caller owns it.</summary>
    /// <param name="input">(B, C, H, W), for which <see cref="WinogradConvolution.Suits"/> is true.</param>
    /// <param name="weight">(O, C, 3, 3) float32.</param>
    /// <param name="bias">(O) float32.</param>
    public static Tensor Run(Tensor input, Tensor weight, Tensor bias) => Function.apply(input, weight, bias);

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(WinogradLayer);

        // autograd calls it with gradients off.
        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            (Tensor input, Tensor weight, Tensor bias) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2]);
            ctx.save_for_backward([input, weight]);
            return WinogradConvolution.Convolve(input, weight, bias);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor gradOutput)
        {
            using var scope = NewDisposeScope();
            List<Tensor> saved = ctx.get_saved_variables();
            (Tensor input, Tensor weight, Tensor gradient) = (saved[0], saved[1], gradOutput.contiguous());
            Tensor? ofInput = input.requires_grad ? WinogradConvolution.InputGradient(gradient, weight).MoveToOuterDisposeScope() : null;
            Tensor ofWeight = WinogradWeightGradient.Of(input, gradient).MoveToOuterDisposeScope();
            Tensor ofBias = gradient.sum([0L, 2, 3]).MoveToOuterDisposeScope();
            gradOutput.Dispose(); // made for this call, and owned by no one else
            return [ofInput!, ofWeight, ofBias];
        }
    }
}

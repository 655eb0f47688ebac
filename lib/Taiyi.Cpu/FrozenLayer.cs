using static TorchSharp.torch;

namespace Taiyi.Cpu;

/// <summary>
/// A linear map whose weights are not trained, as under a LoRA: only the gradient of its input is needed, which is a function of
/// the output's gradient alone, so nothing is kept for the backward pass.
/// </summary>
internal static class FrozenLayer
{
    /// <summary>Runs the map with a backward pass of its own.</summary>
    /// <param name="input">x, with gradients.</param>
    /// <param name="map">x -> y, linear but for a constant. Called with gradients off.</param>
    /// <param name="inputGradient">∂L/∂y -> ∂L/∂x. Called with gradients off.</param>
    /// <returns>y; the caller owns it.</returns>
    public static Tensor Run(Tensor input, Func<Tensor, Tensor> map, Func<Tensor, Tensor> inputGradient) =>
        Function.apply(input, map, inputGradient);

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(FrozenLayer);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_data(nameof(Run), vars[2]);
            return ((Func<Tensor, Tensor>)vars[1])((Tensor)vars[0]);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor gradOutput)
        {
            using var scope = NewDisposeScope();
            Tensor gradient = ((Func<Tensor, Tensor>)ctx.get_data(nameof(Run)))(gradOutput).MoveToOuterDisposeScope();
            gradOutput.Dispose(); // made for this call, and owned by no one else
            return [gradient, null!, null!];
        }
    }
}

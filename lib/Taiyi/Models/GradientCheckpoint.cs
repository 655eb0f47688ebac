using static TorchSharp.torch;

namespace Taiyi.Models;

/// <summary>
/// Gradient checkpointing (arXiv 1604.06174): only a block's inputs are kept for the backward pass, which computes the
/// rest again. Memory falls to that of one block, for about one more forward pass of time; the gradients are the same.
/// </summary>
internal static class GradientCheckpoint
{
    /// <summary>Runs a block, with checkpointing if it is enabled and gradients are recorded.</summary>
    /// <param name="enabled">Whether to keep the inputs alone.</param>
    /// <param name="block">A function of its inputs that gives the same output whenever it is called.</param>
    /// <param name="inputs">What the block is given.</param>
    /// <returns>The block's output; the caller owns it.</returns>
    public static Tensor Run(bool enabled, Func<IReadOnlyList<Tensor>, Tensor> block, params Tensor[] inputs)
    {
        if (!enabled || !is_grad_enabled())
        {
            return block(inputs);
        }

        using var scope = NewDisposeScope();
        // autograd visits a function only if one of its inputs has gradients. The block's weights are no inputs of it, and
        // before the first LoRA no input has gradients: hence the anchor.
        Tensor anchor = zeros(1, requires_grad: true);
        return Recomputed.apply([block, anchor, .. inputs]).MoveToOuterDisposeScope();
    }

    private sealed class Recomputed : autograd.SingleTensorFunction<Recomputed>
    {
        public override string Name => nameof(GradientCheckpoint);

        // autograd calls it with gradients off.
        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var block = (Func<IReadOnlyList<Tensor>, Tensor>)vars[0];
            List<Tensor> inputs = [.. vars.Skip(2).Cast<Tensor>()];
            ctx.save_data(nameof(block), block);
            ctx.save_for_backward(inputs);
            return block(inputs);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor gradOutput)
        {
            using var scope = NewDisposeScope();
            using IDisposable gradients = enable_grad();
            var block = (Func<IReadOnlyList<Tensor>, Tensor>)ctx.get_data("block");
            Tensor[] inputs = [.. ctx.get_saved_variables().Select(saved => saved.detach().requires_grad_(saved.requires_grad))];
            Tensor output = block(inputs);
            autograd.backward([output], [gradOutput]); // adds to the gradients of the block's weights as well
            gradOutput.Dispose();                      // made for this call, and owned by no one else
            return [null!, null!, .. inputs.Select(input => input.grad?.MoveToOuterDisposeScope()!)];
        }
    }
}

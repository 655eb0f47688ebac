using System.Runtime.InteropServices;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Taiyi.Training;

/// <summary>
/// Adds up the gradients of all processes of a training, and their losses, in one all-reduce a step: data-parallel training, each process
/// having the same weights and its share of the pictures (arXiv 2006.15704, section 3).
/// </summary>
/// <param name="group">The processes.</param>
/// <param name="weights">The float32 weights that are trained, the same in every process.</param>
internal sealed class GradientExchange(IProcessGroup group, IReadOnlyList<Parameter> weights)
{
    private readonly float[] _values = new float[weights.Sum(weight => weight.numel()) + 1]; // the gradients one behind the other, last the loss

    /// <summary>Takes the gradients of this process.</summary>
    /// <param name="loss">This process's part of the step's loss.</param>
    /// <returns>Euclidean norm of this process's gradients: not finite if any of them is not.</returns>
    public double Collect(double loss)
    {
        double squares = 0;
        ForEachGradient((gradient, values) =>
        {
            using Tensor onCpu = gradient.cpu(), contiguous = onCpu.contiguous();
            contiguous.bytes.CopyTo(MemoryMarshal.AsBytes(values));
            foreach (float value in values)
            {
                squares += (double)value * value;
            }
        });
        _values[^1] = (float)loss;
        return Math.Sqrt(squares);
    }

    /// <summary>Puts the sums over all processes in the place of the gradients.</summary>
    /// <param name="cancellationToken">Ends the waiting for the others.</param>
    /// <returns>The sum of the losses.</returns>
    public double Sum(CancellationToken cancellationToken)
    {
        group.AllReduce(_values, cancellationToken);
        ForEachGradient((gradient, values) =>
        {
            using Tensor sum = zeros(gradient.shape, ScalarType.Float32, CPU);
            MemoryMarshal.AsBytes(values).CopyTo(sum.bytes);
            gradient.copy_(sum);
        });
        return _values[^1];
    }

    private delegate void GradientAction(Tensor gradient, Span<float> values);

    // A weight that the loss does not reach has no gradient, in this process as in every other.
    private void ForEachGradient(GradientAction action)
    {
        using IDisposable noGrad = no_grad();
        int first = 0;
        foreach (Parameter weight in weights)
        {
            int count = (int)weight.numel();
            if (weight.grad is { } gradient)
            {
                action(gradient, _values.AsSpan(first, count));
            }

            first += count;
        }
    }
}

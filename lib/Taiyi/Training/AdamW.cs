using Taiyi.Files;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Taiyi.Training;

/// <summary>Adam with decoupled weight decay: Algorithm 2 of arXiv 1711.05101, whose state can be saved and loaded.</summary>
/// <remarks>
/// Notation (name here → the paper's): weights → θ, gradient → g, first moment → m, second moment → v, learning rate → α,
/// weight decay → λ. The same arithmetic as PyTorch's <c>torch.optim.AdamW</c>; TorchSharp's own keeps its state in a binary
/// format that no other program reads.
/// </remarks>
public sealed class AdamW : IDisposable
{
    private readonly (string Name, Parameter Theta, Tensor M, Tensor V)[] _weights;
    private readonly double _beta1, _beta2, _epsilon, _weightDecay;

    /// <summary>Begins with moments of zero.</summary>
    /// <param name="parameters">The weights that are trained, by names that identify them in a saved state.</param>
    /// <param name="weightDecay">λ: each step shrinks every weight by the fraction α λ.</param>
    /// <param name="beta1">β₁, decay of the running mean of the gradients.</param>
    /// <param name="beta2">β₂, decay of the running mean of their squares.</param>
    /// <param name="epsilon">Added to the denominator.</param>
    public AdamW(
        IEnumerable<KeyValuePair<string, Parameter>> parameters,
        double weightDecay = 0.01, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8)
    {
        (_beta1, _beta2, _epsilon, _weightDecay) = (beta1, beta2, epsilon, weightDecay);
        _weights = [.. parameters.Select(p => (p.Key, p.Value, Zeros(p.Value), Zeros(p.Value)))];
    }

    /// <summary>Steps taken so far.</summary>
    public long StepCount { get; internal set; }

    /// <summary>The weights that are trained.</summary>
    public IEnumerable<Parameter> Parameters => _weights.Select(weight => weight.Theta);

    /// <summary>m and v of every weight; they stay the optimizer's own.</summary>
    internal IEnumerable<Tensor> Moments => _weights.SelectMany(weight => new[] { weight.M, weight.V });

    /// <summary>One update with the gradients that the backward passes left; a weight without gradient stays as it is.</summary>
    /// <param name="learningRate">α of this step.</param>
    public void Step(double learningRate)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        StepCount++;
        double correction1 = 1 - Math.Pow(_beta1, StepCount), correction2 = 1 - Math.Pow(_beta2, StepCount);
        foreach ((_, Parameter theta, Tensor m, Tensor v) in _weights)
        {
            using var inner = NewDisposeScope();
            if (theta.grad is not { } g)
            {
                continue;
            }

            theta.mul_(1 - learningRate * _weightDecay);
            m.lerp_(g, 1 - _beta1);
            v.mul_(_beta2).addcmul_(g, g, value: 1 - _beta2);
            Tensor denominator = v.sqrt().div_(Math.Sqrt(correction2)).add_(_epsilon);
            theta.addcdiv_(m, denominator, value: -learningRate / correction1);
        }
    }

    /// <summary>Drops the gradients, before the first backward pass of the next step.</summary>
    public void ZeroGrad()
    {
        foreach ((_, Parameter theta, _, _) in _weights)
        {
            theta.grad = null;
        }
    }

    /// <summary>Both moments of every weight and the step count, for a safetensors file. The tensors stay the optimizer's own.</summary>
    /// <param name="stepCount">Filled with the step count, a scalar int64; the caller disposes of it.</param>
    public IReadOnlyList<KeyValuePair<string, Tensor>> State(out Tensor stepCount)
    {
        stepCount = tensor(StepCount);
        return
        [
            new("step", stepCount),
            .. _weights.Select(weight => new KeyValuePair<string, Tensor>("exp_avg." + weight.Name, weight.M)),
            .. _weights.Select(weight => new KeyValuePair<string, Tensor>("exp_avg_sq." + weight.Name, weight.V)),
        ];
    }

    /// <summary>Takes over a state that <see cref="State"/> gave.</summary>
    /// <exception cref="CheckpointException">The file lacks a weight, or has it in another shape.</exception>
    public void Load(IStateDictFile file)
    {
        foreach ((string name, _, Tensor m, Tensor v) in _weights)
        {
            file.CopyTo("exp_avg." + name, m);
            file.CopyTo("exp_avg_sq." + name, v);
        }

        using Tensor step = file.Read("step");
        StepCount = step.item<long>();
    }

    /// <summary>Frees the moments; the weights are the caller's.</summary>
    public void Dispose()
    {
        foreach ((_, _, Tensor m, Tensor v) in _weights)
        {
            m.Dispose();
            v.Dispose();
        }
    }

    private static Tensor Zeros(Parameter parameter)
    {
        using IDisposable noGrad = no_grad();
        return zeros(parameter.shape, parameter.dtype, parameter.device).DetachFromDisposeScope();
    }
}

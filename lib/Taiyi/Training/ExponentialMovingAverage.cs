using Taiyi.Files;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Taiyi.Training;

/// <summary>
/// A running mean of the weights over the last steps, which draws better pictures than the last step's own:
/// θ' ← d θ' + (1 - d) θ. DDPM (arXiv 2006.11239), appendix B, uses d = 0.9999.
/// </summary>
/// <remarks>d starts low, (1 + n) / (10 + n) after n updates, so that the first weights do not weigh on a short training (diffusers, training_utils.py).</remarks>
public sealed class ExponentialMovingAverage : IDisposable
{
    private readonly (string Name, Parameter Weight, Tensor Mean)[] _weights;
    private readonly double _decay;

    /// <summary>Begins with the weights as they are.</summary>
    /// <param name="parameters">The weights, by names that identify them in a saved state.</param>
    /// <param name="decay">d, in [0, 1): with 0.99 about the last hundred steps count.</param>
    public ExponentialMovingAverage(IEnumerable<KeyValuePair<string, Parameter>> parameters, double decay)
    {
        _decay = decay is >= 0 and < 1 ? decay : throw new ArgumentOutOfRangeException(null, $"The decay of the mean is {decay}; it must be from 0 to below 1: 0.99 or 0.999 is usual.");
        _weights = [.. parameters.Select(p => (p.Key, p.Value, Copy(p.Value).DetachFromDisposeScope()))];
    }

    /// <summary>The mean of every weight, for a safetensors file; the tensors stay this object's own.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> State => _weights.Select(weight => new KeyValuePair<string, Tensor>(weight.Name, weight.Mean));

    /// <summary>Takes in the weights after an optimizer step.</summary>
    /// <param name="step">Number of that step, 1 for the first.</param>
    public void Update(long step)
    {
        using IDisposable noGrad = no_grad();
        double decay = Math.Min(_decay, (1.0 + step) / (10 + step));
        foreach ((_, Parameter weight, Tensor mean) in _weights)
        {
            using var scope = NewDisposeScope();
            mean.lerp_(weight, 1 - decay);
        }
    }

    /// <summary>Puts the mean in the place of the weights until the returned scope is disposed: to draw or save with.</summary>
    public IDisposable Use()
    {
        using IDisposable noGrad = no_grad();
        Tensor[] trained = [.. _weights.Select(weight => Copy(weight.Weight).DetachFromDisposeScope())];
        foreach ((_, Parameter weight, Tensor mean) in _weights)
        {
            weight.copy_(mean);
        }

        return new Scope(this, trained);
    }

    /// <summary>Takes over a state that <see cref="State"/> gave.</summary>
    /// <exception cref="CheckpointException">The file lacks a weight, or has it in another shape.</exception>
    public void Load(IStateDictFile file)
    {
        foreach ((string name, _, Tensor mean) in _weights)
        {
            file.CopyTo(name, mean);
        }
    }

    /// <summary>Frees the means; the weights are the caller's.</summary>
    public void Dispose()
    {
        foreach ((_, _, Tensor mean) in _weights)
        {
            mean.Dispose();
        }
    }

    private static Tensor Copy(Parameter parameter)
    {
        using Tensor detached = parameter.detach();
        return detached.clone();
    }

    private sealed class Scope(ExponentialMovingAverage owner, Tensor[] trained) : IDisposable
    {
        public void Dispose()
        {
            using IDisposable noGrad = no_grad();
            foreach ((var weight, Tensor values) in owner._weights.Zip(trained))
            {
                weight.Weight.copy_(values);
                values.Dispose();
            }
        }
    }
}

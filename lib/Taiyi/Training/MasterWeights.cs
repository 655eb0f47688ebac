using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Taiyi.Training;

/// <summary>
/// The weights that an optimizer works on, in float32, of networks that may compute in bfloat16: its 8 bits of precision are
/// enough for a product, but a step of 0.1 % of a weight would be rounded away (arXiv 1710.03740, section 3.1).
/// </summary>
internal sealed class MasterWeights : IDisposable
{
    private readonly (Parameter Computing, Parameter Master)[] _pairs;

    /// <summary>Turns on the gradients of the weights and copies those that are not float32.</summary>
    /// <param name="weights">What is trained, by name.</param>
    public MasterWeights(IEnumerable<KeyValuePair<string, Parameter>> weights)
    {
        List<KeyValuePair<string, Parameter>> named = [];
        List<(Parameter, Parameter)> pairs = [];
        foreach ((string name, Parameter computing) in weights)
        {
            computing.requires_grad = true;
            Parameter master = computing.dtype == ScalarType.Float32 ? computing : CopyOf(computing);
            named.Add(new(name, master));
            if (!ReferenceEquals(master, computing))
            {
                pairs.Add((computing, master));
            }
        }

        (Named, _pairs) = (named, [.. pairs]);
    }

    /// <summary>The float32 weights; those of a float32 network are the network's own.</summary>
    public IReadOnlyList<KeyValuePair<string, Parameter>> Named { get; }

    /// <summary>Gives the gradients of the networks to their float32 copies.</summary>
    public void TakeGradients()
    {
        using var scope = NewDisposeScope();
        foreach ((Parameter computing, Parameter master) in _pairs)
        {
            if (computing.grad is { } gradient)
            {
                master.grad = gradient.to(ScalarType.Float32);
                computing.grad = null;
            }
        }
    }

    /// <summary>Rounds the float32 weights into the networks.</summary>
    public void Publish()
    {
        using IDisposable noGrad = no_grad();
        foreach ((Parameter computing, Parameter master) in _pairs)
        {
            computing.copy_(master);
        }
    }

    /// <summary>Frees the copies; the networks are the caller's.</summary>
    public void Dispose()
    {
        foreach ((_, Parameter master) in _pairs)
        {
            master.Dispose();
        }
    }

    private static Parameter CopyOf(Parameter parameter)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Parameter copy = new(parameter.to(ScalarType.Float32));
        copy.DetachFromDisposeScope();
        return copy;
    }
}

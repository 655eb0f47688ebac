using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Taiyi.Models;

/// <summary>A layer with a weight and usually a bias, both filled from a checkpoint.</summary>
/// <remarks>
/// TorchSharp's own layers draw random weights when they are constructed: 860 million numbers for the UNet, all thrown
/// away by the checkpoint. These begin on the meta device, where a tensor has a shape and no memory; the constructor of a
/// whole network then calls <see cref="Allocate"/> once. Blocks in between need to know neither device nor dtype.
/// </remarks>
public abstract class WeightedLayer : nn.Module<Tensor, Tensor>
{
    private protected WeightedLayer(string name, long[] weightShape, long? biasLength)
        : base(name)
    {
        Weight = Uninitialized(weightShape, META, ScalarType.Float32);
        Bias = biasLength is long length ? Uninitialized([length], META, ScalarType.Float32) : null;
    }

    /// <summary>The weight, <c>weight</c> in the state dict.</summary>
    [field: ComponentName(Name = "weight")]
    public Parameter Weight { get; private set; }

    /// <summary>The bias, <c>bias</c> in the state dict, or null where the layer has none.</summary>
    [field: ComponentName(Name = "bias")]
    public Parameter? Bias { get; private set; }

    /// <summary>Grows whenever an adapter on this layer is put on, taken off or changed: what was computed before is out of date.</summary>
    internal int Revision { get; set; }

    /// <summary>What the layer computes in, whatever its weights are kept in; see <see cref="Precision.ComputeDType"/>.</summary>
    internal ScalarType ComputeDType => Precision.ComputeDType(Weight.dtype, Weight.device);

    /// <summary>Adapters that add to this layer's output: with any, it must be computed as a layer of its own.</summary>
    internal int Adapters { get; set; }

    /// <summary>Computes with weight and bias in the dtype of the input; where they are kept in another, copies live that long.</summary>
    private protected Tensor Apply(Tensor input, Func<Tensor, Tensor?, Tensor> operation)
    {
        if (Weight.dtype == input.dtype)
        {
            return operation(Weight, Bias);
        }

        using var scope = NewDisposeScope();
        return operation(Weight.to(input.dtype), Bias?.to(input.dtype)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Gives every layer of a network memory for its weights: uninitialised, so load a checkpoint or call
    /// <see cref="WeightInitialization"/>; and frozen, so that inference keeps no graph: training asks for gradients.
    /// </summary>
    internal static void Allocate(nn.Module network, Device? device, ScalarType? dtype)
    {
        foreach (WeightedLayer layer in network.modules().OfType<WeightedLayer>())
        {
            layer.Weight = layer.Replace("weight", layer.Weight, device ?? CPU, dtype ?? ScalarType.Float32);
            layer.Bias = layer.Bias is { } bias ? layer.Replace("bias", bias, device ?? CPU, dtype ?? ScalarType.Float32) : null;
        }
    }

    /// <summary>Takes a copy of other values, which may have another shape, in place of the weight.</summary>
    private protected void ReplaceWeight(Tensor values)
    {
        Parameter own = Uninitialized(values.shape, values.device, values.dtype);
        own.copy_(values);
        ConditionallyRegisterParameter("weight", own);
        Weight.Dispose();
        Weight = own;
    }

    private Parameter Replace(string name, Parameter old, Device device, ScalarType dtype)
    {
        Parameter allocated = Uninitialized(old.shape, device, dtype);
        ConditionallyRegisterParameter(name, allocated);
        old.Dispose();
        return allocated;
    }

    // The module owns its parameters, not the scope in which it happens to be constructed. The inner scope is for TorchSharp's
    // count of live tensors: a Parameter made outside any scope stays counted after its disposal.
    private static Parameter Uninitialized(long[] shape, Device device, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        Parameter parameter = new(empty(shape, dtype: dtype, device: device), requires_grad: false);
        parameter.DetachFromDisposeScope();
        return parameter;
    }
}

using System.Runtime.CompilerServices;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Lora;

/// <summary>
/// The weight of one module into which adapters are merged: W + Σᵢ wᵢ (αᵢ / rᵢ) Bᵢ Aᵢ; a DoRA adds what it changes at W itself.
/// </summary>
/// <remarks>
/// Float addition cannot be undone by subtraction, so W itself is kept while anything is merged; adapters may then
/// leave in any order, and the last one restores the bits of W.
/// </remarks>
internal sealed class MergedWeight
{
    private static readonly ConditionalWeakTable<WeightedLayer, MergedWeight> Merged = [];

    private readonly List<(LoraLayer Layer, double Factor)> _updates = [];
    private readonly Tensor _original;

    private MergedWeight(WeightedLayer module)
    {
        using Tensor weight = module.Weight.detach();
        _original = weight.clone().DetachFromDisposeScope();
    }

    /// <summary>Adds an adapter's update, times a factor, to the module's weight.</summary>
    public static void Add(WeightedLayer module, LoraLayer layer, double factor)
    {
        MergedWeight merged = Merged.GetValue(module, static key => new MergedWeight(key));
        merged._updates.Add((layer, factor));
        merged.WriteTo(module.Weight);
    }

    /// <summary>Takes an adapter's update out again.</summary>
    public static void Remove(WeightedLayer module, LoraLayer layer)
    {
        if (!Merged.TryGetValue(module, out MergedWeight? merged))
        {
            return;
        }

        merged._updates.RemoveAll(update => update.Layer == layer);
        merged.WriteTo(module.Weight);
        if (merged._updates.Count == 0)
        {
            Merged.Remove(module);
            merged._original.Dispose();
        }
    }

    private void WriteTo(Tensor weight)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor sum = _original;
        foreach ((LoraLayer layer, double factor) in _updates)
        {
            // Summed in float32 and rounded to the weight's dtype once.
            sum = sum.to(ScalarType.Float32) + layer.WeightChange(_original, factor);
        }

        weight.copy_(sum);
    }
}

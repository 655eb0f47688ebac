using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>
/// Records how much each place of a picture attends to each token of its caption while the network runs: softmax(Q Kᵀ / √d) of
/// the cross-attentions, averaged over heads and calls.
/// </summary>
/// <remarks>
/// The heat maps of "What the DAAM: Interpreting Stable Diffusion Using Cross Attention" (arXiv:2210.04885, section 2.2), there
/// summed over steps, here averaged. Of a batch the last row is recorded, which under classifier-free guidance is the
/// conditional half of the last picture. It uses the <see cref="CrossAttention.Observer"/> of every cross-attention; dispose
/// it to take it off.
/// </remarks>
public sealed class CrossAttentionMaps : IDisposable
{
    private readonly SortedDictionary<string, (Tensor Sum, int Calls)> _layers = new(StringComparer.Ordinal);
    private readonly List<CrossAttention> _observed = [];
    private readonly Action _removeSizeHook;
    private (long H, long W) _sampleSize;

    /// <summary>Begins to record.</summary>
    /// <param name="unet">The network; its output is not changed.</param>
    /// <exception cref="InvalidOperationException">A cross-attention is observed already.</exception>
    public CrossAttentionMaps(UNet2DConditionModel unet)
    {
        // attn1 of a block is its self-attention, attn2 looks at the caption.
        (string Name, CrossAttention Attention)[] attentions =
            [.. unet.named_modules().Where(m => m.name.EndsWith(".attn2", StringComparison.Ordinal)).Select(m => (m.name, (CrossAttention)m.module))];
        if (attentions.Any(one => one.Attention.Observer is not null))
        {
            throw new InvalidOperationException("The cross-attentions of this UNet are observed already: dispose of the other recording first.");
        }

        foreach ((string name, CrossAttention attention) in attentions)
        {
            attention.Observer = (query, key) => Add(name, query, key);
            _observed.Add(attention);
        }

        _removeSizeHook = unet.register_forward_pre_hook((_, sample, timestep, context) =>
        {
            _sampleSize = (sample.shape[2], sample.shape[3]);
            return (sample, timestep, context);
        }).remove;
    }

    /// <summary>The paths of the cross-attentions that were recorded, in ordinal order; empty before the first call.</summary>
    public IReadOnlyCollection<string> Layers => _layers.Keys;

    /// <summary>The map of one cross-attention at its own size.</summary>
    /// <param name="layer">One of <see cref="Layers"/>.</param>
    /// <returns>(L, h, w), float32 on the CPU; over the tokens L every position sums to 1. The caller owns it.</returns>
    /// <exception cref="KeyNotFoundException">Nothing of that name was recorded.</exception>
    public Tensor Of(string layer) => _layers[layer].Sum / _layers[layer].Calls;

    /// <summary>The mean of all cross-attentions, each enlarged to the size of the largest.</summary>
    /// <returns>(L, h, w), float32 on the CPU; over the tokens L every position sums to 1. The caller owns it.</returns>
    /// <exception cref="InvalidOperationException">Nothing was recorded yet.</exception>
    public Tensor Average()
    {
        if (_layers.Count == 0)
        {
            throw new InvalidOperationException("Nothing was recorded yet: let the UNet run once, for example by StableDiffusionPipeline.Generate.");
        }

        using var scope = NewDisposeScope();
        long[] size = _layers.Values.Select(layer => layer.Sum.shape[1..]).MaxBy(shape => shape[0])!;
        Tensor[] enlarged = [.. _layers.Keys.Select(layer => functional.interpolate(
            Of(layer).unsqueeze(0), size, mode: InterpolationMode.Bilinear, align_corners: false)[0])]; // (L, h, w) each
        return stack(enlarged).mean([0]).MoveToOuterDisposeScope();
    }

    /// <summary>Forgets what was recorded, for example to see the next steps alone.</summary>
    public void Reset()
    {
        foreach ((Tensor sum, _) in _layers.Values)
        {
            sum.Dispose();
        }

        _layers.Clear();
    }

    /// <summary>Takes the recording off the network and frees the maps.</summary>
    public void Dispose()
    {
        _observed.ForEach(attention => attention.Observer = null);
        _removeSizeHook();
        Reset();
    }

    private void Add(string layer, Tensor query, Tensor key)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        (Tensor q, Tensor k) = (query[-1].to(float32), key[-1].to(float32)); // (heads, HW, d), (heads, L, d)
        Tensor probabilities = matmul(q, k.transpose(1, 2)).div(Math.Sqrt(q.shape[2])).softmax(-1); // (heads, HW, L)
        Tensor map = probabilities.mean([0]).t().unflatten(1, SizeOf(q.shape[1])).cpu(); // (L, h, w)
        if (_layers.TryGetValue(layer, out (Tensor Sum, int Calls) old))
        {
            old.Sum.add_(map);
            _layers[layer] = (old.Sum, old.Calls + 1);
        }
        else
        {
            _layers[layer] = (map.DetachFromDisposeScope(), 1);
        }
    }

    // An attention knows how many places it has, not how they lie: each downsampling halves both sides, rounded up.
    private long[] SizeOf(long places)
    {
        (long h, long w) = _sampleSize;
        while (h * w > places)
        {
            (h, w) = ((h + 1) / 2, (w + 1) / 2);
        }

        return [h, w];
    }
}

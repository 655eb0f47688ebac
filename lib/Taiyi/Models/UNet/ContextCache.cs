using static TorchSharp.torch;

namespace Taiyi.Models;

/// <summary>
/// Keys and values of one text in every cross-attention of a UNet: computed by the first call that gets the text, and used
/// by all others until disposal. The steps of a generation differ in their latents, never in their text.
/// </summary>
/// <remarks>
/// At Taiyi's size this saves 2.3 % of the arithmetic of a call, for 51 MB a row of the text in float32. After a change of a
/// LoRA they are computed anew.
/// </remarks>
public sealed class ContextCache : IDisposable
{
    private readonly CrossAttention[] _layers;
    private readonly Tensor _context;
    private readonly Dictionary<CrossAttention, (Tensor Key, Tensor Value, int Revision)> _projections = [];

    /// <summary>Lets every attention of a network remember what it computes of a text.</summary>
    /// <param name="unet">The network; one cache at a time, a newer one takes the place of this.</param>
    /// <param name="context">Encoded captions (B, L, D): this very tensor must be given to the calls. The caller keeps it.</param>
    public ContextCache(UNet2DConditionModel unet, Tensor context)
    {
        _context = context;
        _layers = [.. unet.modules().OfType<CrossAttention>()];
        foreach (CrossAttention layer in _layers)
        {
            layer.Cache = this;
        }
    }

    /// <summary>Key and value (B, heads, L, d) of a layer; of another context, or where gradients are recorded, they are computed anew.</summary>
    internal (Tensor Key, Tensor Value) Get(CrossAttention layer, Tensor context)
    {
        if (!ReferenceEquals(context, _context) || is_grad_enabled())
        {
            return layer.Project(context);
        }

        if (_projections.TryGetValue(layer, out var known) && known.Revision == layer.Revision)
        {
            return (known.Key, known.Value);
        }

        known.Key?.Dispose();
        known.Value?.Dispose();
        (Tensor key, Tensor value) = layer.Project(context);
        _projections[layer] = (key.DetachFromDisposeScope(), value.DetachFromDisposeScope(), layer.Revision);
        return (key, value);
    }

    /// <summary>Frees the keys and values.</summary>
    public void Dispose()
    {
        foreach (CrossAttention layer in _layers.Where(layer => ReferenceEquals(layer.Cache, this)))
        {
            layer.Cache = null;
        }

        foreach ((Tensor key, Tensor value, _) in _projections.Values)
        {
            key.Dispose();
            value.Dispose();
        }
    }
}

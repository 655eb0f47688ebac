using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>Multi-head attention of picture positions to a context: the caption's tokens, or the positions themselves.</summary>
/// <remarks>
/// diffusers, models/attention_processor.py, <c>Attention</c> (called <c>CrossAttention</c> when Taiyi was made). It is here
/// that the text enters the picture: Q comes from the picture, K and V from the text (arXiv:2112.10752, section 3.3).
/// </remarks>
public sealed class CrossAttention(long queryDim, long contextDim, long heads) : Module<Tensor, Tensor, Tensor>(nameof(CrossAttention))
{
    [ComponentName(Name = "to_q")]
    private readonly Linear _toQ = new(queryDim, queryDim, bias: false);

    [ComponentName(Name = "to_k")]
    private readonly Linear _toK = new(contextDim, queryDim, bias: false);

    [ComponentName(Name = "to_v")]
    private readonly Linear _toV = new(contextDim, queryDim, bias: false);

    [ComponentName(Name = "to_out")]
    private readonly ModuleList<Linear> _toOut = new(new Linear(queryDim, queryDim));

    /// <summary>
    /// Called in every forward pass with query (B, heads, L, d) and key (B, heads, Lk, d), to look at the attention map
    /// softmax(Q Kᵀ / √d); null, the default, costs nothing. The tensors are gone after the call: clone what must last.
    /// </summary>
    public Action<Tensor, Tensor>? Observer { get; set; }

    /// <summary>Remembers key and value of a context that many calls share; null computes them in every call.</summary>
    internal ContextCache? Cache { get; set; }

    /// <summary>Grows whenever an adapter changes what <see cref="Project"/> gives.</summary>
    internal int Revision => _toK.Revision + _toV.Revision;

    /// <summary>Positions (B, L, queryDim) and context (B, Lk, contextDim) -> (B, L, queryDim).</summary>
    public override Tensor forward(Tensor sample, Tensor context)
    {
        using var scope = NewDisposeScope();
        return _toOut[0].call(Attend(sample, context)).MoveToOuterDisposeScope(); // (B, L, queryDim)
    }

    // A scope of its own: query, key and value are gone before the last projection.
    private Tensor Attend(Tensor sample, Tensor context)
    {
        using var scope = NewDisposeScope();
        Tensor query = SplitHeads(_toQ.call(sample)); // (B, heads, L, d)
        (Tensor key, Tensor value) = Cache?.Get(this, context) ?? Project(context); // (B, heads, Lk, d)
        Observer?.Invoke(query, key);
        Tensor attended = ScaledDotProductAttention.Compute(query, key, value); // (B, heads, L, d)
        return attended.transpose(1, 2).flatten(2).MoveToOuterDisposeScope(); // (B, L, queryDim)
    }

    /// <summary>Key and value (B, heads, Lk, d) of a context (B, Lk, contextDim).</summary>
    internal (Tensor Key, Tensor Value) Project(Tensor context)
    {
        using Tensor input = context.to(_toK.ComputeDType);
        return (SplitHeads(_toK.call(input)), SplitHeads(_toV.call(input)));
    }

    private Tensor SplitHeads(Tensor x) => x.unflatten(2, [heads, -1]).transpose(1, 2); // (B, heads, L, d)
}

using Taiyi.Cpu;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>Position-wise network of a transformer block, four times as wide inside.</summary>
/// <remarks>diffusers, models/attention.py, <c>FeedForward</c>.</remarks>
public sealed class FeedForward(long dim) : Module<Tensor, Tensor>(nameof(FeedForward))
{
    // net.1 is the reference's dropout, which is none in this family.
    [ComponentName(Name = "net")]
    private readonly ModuleList<Module<Tensor, Tensor>> _net = new(new GEGLU(dim, 4 * dim), Identity(), new Linear(4 * dim, dim));

    /// <summary>(B, L, dim) -> (B, L, dim).</summary>
    public override Tensor forward(Tensor input) => Kernels.Positionwise(input, innerWidth: 8 * dim, Network);

    private Tensor Network(Tensor input)
    {
        using var scope = NewDisposeScope();
        return _net[2].call(_net[0].call(input)).MoveToOuterDisposeScope();
    }
}

/// <summary>A linear layer gated by a GELU of another: (x W + b) ⊙ GELU(x V + c), arXiv:2002.05202, eq. (6).</summary>
/// <remarks>diffusers, models/activations.py, <c>GEGLU</c>: both matrices are one parameter, <c>proj</c>.</remarks>
public sealed class GEGLU(long dimIn, long dimOut) : Module<Tensor, Tensor>(nameof(GEGLU))
{
    [ComponentName(Name = "proj")]
    private readonly Linear _proj = new(dimIn, 2 * dimOut);

    /// <summary>(B, L, dimIn) -> (B, L, dimOut).</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor[] halves = _proj.call(input).chunk(2, dim: -1); // the linear part and the gate, (B, L, dimOut) each
        return functional.gelu(halves[1]).mul_(halves[0]).MoveToOuterDisposeScope();
    }
}

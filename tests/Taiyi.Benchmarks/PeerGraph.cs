using Taiyi.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Benchmarks;

/// <summary>A network of the reference implementation, recorded as a TorchScript graph (README.md says how).</summary>
internal sealed class PeerGraph : IDisposable
{
    private readonly jit.ScriptModule<Tensor> _graph;

    private PeerGraph(jit.ScriptModule<Tensor> graph) => _graph = graph;

    /// <summary>Reads a graph and gives it our weights, or gives null where no folder was named.</summary>
    public static PeerGraph? Load(string? folder, string file, ScalarType dtype)
    {
        if (folder is null)
        {
            return null;
        }

        jit.ScriptModule<Tensor> graph = jit.load<Tensor>(Path.Combine(folder, file));
        FormulaWeights.Fill(graph, key => key["net.".Length..]);
        return new PeerGraph(dtype == float32 ? graph : graph.to(dtype)); // to() would make floats of a table of indices too
    }

    /// <summary>The graph's output; the caller owns it.</summary>
    public Tensor Call(params Tensor[] inputs) => _graph.call(inputs);

    /// <summary>The parameters with gradients: those of the LoRA in the training graph.</summary>
    public IEnumerable<TorchSharp.Modules.Parameter> Trainable => _graph.parameters().Where(parameter => parameter.requires_grad);

    public void Dispose() => _graph.Dispose();
}

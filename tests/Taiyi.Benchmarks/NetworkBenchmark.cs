using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Benchmarks;

/// <summary>One call of each network beside the reference's graph in this process.</summary>
internal sealed class NetworkBenchmark(BenchmarkModel model, string? peerFolder, ScalarType dtype, int rounds)
{
    private readonly ResultTable _table = new($"Networks, {model.Name}, {dtype.ToString().ToLowerInvariant()}");

    /// <param name="only">Words of which a row's name must hold one; none for all rows.</param>
    public void Run(params string[] only)
    {
        using IDisposable noGrad = no_grad();
        (string Name, Action Measure)[] networks = [("text", TextEncoder), ("unet", UNet), ("decode", VaeDecoder), ("encode", VaeEncoder)];
        foreach ((_, Action measure) in networks.Where(network => only.Length == 0 || only.Contains(network.Name)))
        {
            measure();
        }

        _table.Print();
    }

    private void TextEncoder()
    {
        using BertTextEncoder ours = model.TextEncoder(dtype);
        // Its graph holds a table of positions, which a conversion to bfloat16 would spoil.
        using PeerGraph? peer = dtype == float32 ? PeerGraph.Load(peerFolder, "text_encoder.pt", dtype) : null;
        using Tensor ids = model.Ids(1);
        Add($"text encoder, {model.Tokens} tokens", () => ours.call(ids), peer is null ? null : () => peer.Call(ids));
    }

    private void UNet()
    {
        using UNet2DConditionModel ours = model.UNet(dtype);
        using PeerGraph? peer = PeerGraph.Load(peerFolder, "unet.pt", dtype);
        using Tensor sample = model.Latents(1, dtype);
        using Tensor timestep = full([1], 500, int64);
        using Tensor context = model.Context(1, dtype);
        Add("UNet, batch 1", () => ours.call(sample, timestep, context), peer is null ? null : () => peer.Call(sample, timestep, context));

        // As the pipeline calls it: one latent under two texts, whose keys and values the first step left.
        using Tensor texts = model.Context(2, dtype);
        using Tensor samples = cat([sample, sample]);
        using Tensor timesteps = cat([timestep, timestep]);
        using ContextCache keysAndValues = new(ours, texts);
        Add("UNet, guided step (batch 2)", () => ours.call(sample, timestep, texts), peer is null ? null : () => peer.Call(samples, timesteps, texts));
    }

    private void VaeDecoder()
    {
        using AutoencoderKL ours = model.Vae(dtype);
        using PeerGraph? peer = PeerGraph.Load(peerFolder, "vae_decoder.pt", dtype);
        using Tensor latents = model.Latents(1, dtype);
        Add($"VAE decode, {model.ImageSize} x {model.ImageSize}", () => ours.Decode(latents), peer is null ? null : () => peer.Call(latents));
    }

    private void VaeEncoder()
    {
        using AutoencoderKL ours = model.Vae(dtype);
        using PeerGraph? peer = PeerGraph.Load(peerFolder, "vae_encoder.pt", dtype);
        using Tensor image = model.Image(1, dtype);
        Add($"VAE encode, {model.ImageSize} x {model.ImageSize}", () => ours.Encode(image), peer is null ? null : () => peer.Call(image));
    }

    private void Add(string call, Func<IDisposable> ours, Func<IDisposable>? theirs) => _table.Measure(
        call, () => ours().Dispose(), theirs is null ? null : () => theirs().Dispose(), rounds);
}

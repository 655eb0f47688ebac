using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Benchmarks;

/// <summary>One call of each network beside the reference's graph in this process.</summary>
internal sealed class NetworkBenchmark(BenchmarkModel model, string? peerFolder, ScalarType dtype, int rounds)
{
    private readonly ResultTable _table = new($"Networks, {model.Name}, {dtype.ToString().ToLowerInvariant()}");

    /// <param name="only">Names of the networks to measure; none for all.</param>
    public void Run(params string[] only)
    {
        using IDisposable noGrad = no_grad();
        (string Name, Action Measure)[] networks = [("text", TextEncoder), ("unet", () => UNet(guided: false)), ("guided", () => UNet(guided: true)), ("decode", VaeDecoder), ("encode", VaeEncoder)];
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

    // Guided, as the pipeline calls it: one latent under two texts, whose keys and values the first step left.
    private void UNet(bool guided)
    {
        using UNet2DConditionModel ours = model.UNet(dtype);
        using PeerGraph? peer = PeerGraph.Load(peerFolder, "unet.pt", dtype);
        using Tensor sample = model.Latents(1, dtype);
        using Tensor timestep = full([1], 500, int64);
        using Tensor context = model.Context(guided ? 2 : 1, dtype);
        using Tensor samples = guided ? cat([sample, sample]) : sample.alias();
        using Tensor timesteps = guided ? cat([timestep, timestep]) : timestep.alias();
        using ContextCache? keysAndValues = guided ? new(ours, context) : null;
        Add(
            guided ? "UNet, guided step (batch 2)" : "UNet, batch 1",
            () => ours.call(sample, timestep, context),
            peer is null ? null : () => peer.Call(samples, timesteps, context));
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
        Add($"VAE encode, {model.ImageSize} x {model.ImageSize}", () => Moments(ours, image), peer is null ? null : () => peer.Call(image));
    }

    private static Tensor Moments(AutoencoderKL vae, Tensor image)
    {
        using DiagonalGaussianDistribution posterior = vae.Encode(image);
        return cat([posterior.Mean, posterior.LogVariance], dim: 1);
    }

    // Both have the same weights: a time counts only if the outputs agree.
    private void Add(string call, Func<Tensor> ours, Func<Tensor>? theirs)
    {
        if (theirs is not null)
        {
            using Tensor output = ours(), expected = theirs();
            double error = (output - expected).abs().max().to(float32).item<float>(), largest = expected.abs().max().to(float32).item<float>();
            Console.Error.WriteLine($"{call}: largest difference to the reference {error:g2}, of values up to {largest:g2}");
        }

        _table.Measure(call, () => ours().Dispose(), theirs is null ? null : () => theirs().Dispose(), rounds, warmups: theirs is null ? 2 : 1);
    }
}

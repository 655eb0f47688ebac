using Spectre.Console;
using Taiyi.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Benchmarks;

/// <summary>One call of each network at full size, 512 x 512 pixels and 512 tokens, beside the reference's graph in this process.</summary>
internal sealed class NetworkBenchmark(string? peerFolder, ScalarType dtype, int rounds)
{
    private readonly Table _table = new Table().Border(TableBorder.Markdown)
        .AddColumns("call", "dtype", "ours, s", "reference, s", "ratio", "ours, peak GiB", "reference, peak GiB");

    public void Run()
    {
        using IDisposable noGrad = no_grad();
        TextEncoder();
        UNet();
        VaeDecoder();
        VaeEncoder();
        AnsiConsole.Write(_table);
    }

    private void TextEncoder()
    {
        using BertTextEncoder ours = FullSizeModel.TextEncoder(dtype);
        using jit.ScriptModule<Tensor, Tensor>? peer = Load<Tensor, Tensor>("text_encoder.pt");
        using Tensor ids = randint(100, 21000, [1, 512], int64);
        Add("text encoder, batch 1", () => ours.call(ids).Dispose(), peer is null ? null : () => peer.call(ids).Dispose());
    }

    private void UNet()
    {
        using UNet2DConditionModel ours = FullSizeModel.UNet(dtype);
        using jit.ScriptModule<Tensor, Tensor, Tensor, Tensor>? peer = peerFolder is null
            ? null
            : (jit.ScriptModule<Tensor, Tensor, Tensor, Tensor>)jit.load<Tensor, Tensor, Tensor, Tensor>(Path.Combine(peerFolder, "unet.pt")).to(dtype);
        foreach (int batch in (int[])[1, 2])
        {
            using Tensor sample = randn(batch, 4, 64, 64).to_type(dtype);
            using Tensor timestep = full([batch], 500, int64);
            using Tensor context = randn(batch, 512, 768).to_type(dtype);
            Add(
                batch == 1 ? "UNet, batch 1" : "UNet, batch 2 (a guided step)",
                () => ours.call(sample, timestep, context).Dispose(),
                peer is null ? null : () => peer.call(sample, timestep, context).Dispose());
        }
    }

    private void VaeDecoder()
    {
        using AutoencoderKL ours = FullSizeModel.Vae(dtype);
        using jit.ScriptModule<Tensor, Tensor>? peer = Load<Tensor, Tensor>("vae_decoder.pt");
        using Tensor latents = randn(1, 4, 64, 64).to_type(dtype);
        Add("VAE decode, 512 x 512", () => ours.Decode(latents).Dispose(), peer is null ? null : () => peer.call(latents).Dispose());
    }

    private void VaeEncoder()
    {
        using AutoencoderKL ours = FullSizeModel.Vae(dtype);
        using jit.ScriptModule<Tensor, Tensor>? peer = Load<Tensor, Tensor>("vae_encoder.pt");
        using Tensor image = randn(1, 3, 512, 512).to_type(dtype);
        Add("VAE encode, 512 x 512", () => ours.Encode(image).Dispose(), peer is null ? null : () => peer.call(image).Dispose());
    }

    private jit.ScriptModule<T, TResult>? Load<T, TResult>(string file) => peerFolder is null
        ? null
        : (jit.ScriptModule<T, TResult>)jit.load<T, TResult>(Path.Combine(peerFolder, file)).to(dtype);

    private void Add(string call, Action ours, Action? theirs)
    {
        PairedTime time = PairedTimer.Measure(ours, theirs, rounds);
        double ourPeak = PeakOf(ours);
        double? theirPeak = theirs is null ? null : PeakOf(theirs);
        _table.AddRow(
            call, dtype.ToString().ToLowerInvariant(), $"{time.Ours:0.000}", $"{time.Theirs:0.000}", $"{time.Ratio:0.00}", $"{ourPeak:0.00}", $"{theirPeak:0.00}");
    }

    /// <summary>What one call adds to the memory that was resident before it.</summary>
    private static double PeakOf(Action action)
    {
        ProcessMemory.ResetPeak();
        double before = ProcessMemory.Resident;
        action();
        return ProcessMemory.Peak - before;
    }
}

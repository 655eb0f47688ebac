using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Training;
using static TorchSharp.torch;

namespace Taiyi.Workshop.Pretraining;

/// <summary>A batch of latents with the numbers of their pictures and which wording of the captions is due.</summary>
/// <param name="Numbers">Numbers of the pictures in the stream.</param>
/// <param name="Wording">0 at the first use of a picture, 1 at the second, …</param>
/// <param name="Mean">μ of the VAE's posterior, (B, C, H, W) float32; the receiver owns it.</param>
/// <param name="Deviation">σ of the VAE's posterior, (B, C, H, W) float32; the receiver owns it.</param>
internal sealed record LatentBatch(long[] Numbers, int Wording, Tensor Mean, Tensor Deviation);

/// <summary>
/// The picture stream through a frozen VAE. Pictures vary without end, so there is nothing to encode once and for all; they are
/// encoded in blocks, each of which is gone through several times in another order, which divides the VAE's cost by that number.
/// </summary>
internal sealed class LatentStream(IPictureSource pictures, AutoencoderKL vae, TrainingRandom random, int batchSize, int reuse) : IDisposable
{
    /// <summary>Batches that are encoded together.</summary>
    public const int BlockBatches = 64;

    private long _block = -1;
    private Tensor? _means, _deviations; // (N, C, H, W) of the block's N pictures

    /// <summary>The batch of a step; the same for the same step, whatever was asked before.</summary>
    public LatentBatch Batch(long step)
    {
        using var scope = NewDisposeScope();
        (long pass, long place) = Math.DivRem(step, BlockBatches);
        (long block, long use) = Math.DivRem(pass, reuse);
        if (block != _block)
        {
            Encode(block);
        }

        int length = BlockBatches * batchSize;
        using Generator generator = random.For("order of latents", pass);
        Tensor chosen = randperm(length, ScalarType.Int64, CPU, generator: generator).narrow(0, place * batchSize, batchSize);
        Tensor onDevice = chosen.to(_means!.device);
        return new LatentBatch(
            [.. chosen.data<long>().Select(i => block * length + i)], (int)use,
            _means[onDevice].MoveToOuterDisposeScope(), _deviations![onDevice].MoveToOuterDisposeScope());
    }

    /// <summary>Frees the block.</summary>
    public void Dispose()
    {
        _means?.Dispose();
        _deviations?.Dispose();
    }

    private void Encode(long block)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Device device = vae.parameters().First().device;
        List<Tensor> means = [], deviations = [];
        for (int i = 0; i < BlockBatches; i++)
        {
            Interruption.Token.ThrowIfCancellationRequested();
            long first = (block * BlockBatches + i) * batchSize;
            Tensor batch = PictureBatch.Variations(pictures, [.. Enumerable.Range(0, batchSize).Select(k => first + k)]);
            using DiagonalGaussianDistribution posterior = vae.Encode(batch.to(device));
            means.Add(posterior.Mode());
            deviations.Add((0.5 * posterior.LogVariance).exp());
        }

        Dispose();
        (_means, _deviations, _block) = (cat(means).DetachFromDisposeScope(), cat(deviations).DetachFromDisposeScope(), block);
    }
}

using System.Globalization;
using Taiyi.Data;
using Taiyi.Models;
using Taiyi.Training;
using static TorchSharp.torch;

namespace Taiyi.Pretraining;

/// <summary>Trains a VAE on variations of pictures, from nothing or from the weights of another.</summary>
public sealed class VaePretrainer : Pretrainer
{
    private const int SheetPictures = 16, EvaluationBatch = 32, ScalePictures = 512;

    private readonly PretrainingRun<VaePretrainingOptions> _run;
    private readonly string _modelFolder;
    private readonly Device _device;
    private readonly AutoencoderKL _vae;
    private readonly VaeLoss _loss;
    private readonly IPictureSource _heldOut;

    /// <summary>Builds the network, or goes on with that of the run's newest checkpoint.</summary>
    /// <param name="run">The folder of the run, new or to be resumed.</param>
    /// <param name="pictures">The data of the run's options.</param>
    /// <param name="modelFolder">The model's folder: the VAE is written to <c>vae</c> in it.</param>
    /// <param name="device">Where to compute; the CPU if null.</param>
    /// <exception cref="TrainingException">The run's checkpoint was trained on other data.</exception>
    public VaePretrainer(PretrainingRun<VaePretrainingOptions> run, IPictureSource pictures, string modelFolder, Device? device = null)
        : base(run, run.Options, pictures.Where(i => !IsHeldOut(i, run.Options)))
    {
        (_run, _modelFolder, _device) = (run, modelFolder, device ?? CPU);
        _heldOut = pictures.Where(i => IsHeldOut(i, run.Options));
        _loss = new VaeLoss(run.Options.Weights);
        _vae = new AutoencoderKL(run.Options.Vae, device, DType);
        Initialize(_vae, "first weights");
        if (run.Options.InitialVae is { } initial && run.LatestCheckpoint is null)
        {
            using AutoencoderKL begin = SnapshotWriter.ReadVae(initial);
            VaeWarmStart.Copy(begin, _vae);
        }

        Start(new KeyValuePair<string, nn.Module>("vae", _vae));
    }

    /// <summary>The network, in training.</summary>
    public AutoencoderKL Vae => _vae;

    /// <summary>Peak signal-to-noise ratio of the reconstructions of the held-out originals in dB, the mean over pictures.</summary>
    public double HeldOutPsnr()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        double sum = 0;
        foreach (int[] batch in Enumerable.Range(0, _heldOut.Count).Chunk(EvaluationBatch))
        {
            using var inner = NewDisposeScope();
            Tensor pictures = PictureBatch.Originals(_heldOut, batch);
            sum += Psnr(pictures, Reconstruct(pictures)).sum().item<float>();
        }

        return sum / _heldOut.Count;
    }

    /// <summary>10 log₁₀(peak² / MSE) of each picture in dB, (B): the peak is 2, the width of [-1, 1].</summary>
    internal static Tensor Psnr(Tensor pictures, Tensor reconstructions) =>
        10 * (4 / (pictures - reconstructions.clamp(-1, 1)).square().mean([1, 2, 3])).log10();

    private protected override Tensor ComputeLoss(Generator generator)
    {
        using var scope = NewDisposeScope();
        long first = Step * _run.Options.BatchSize;
        Tensor pictures = PictureBatch.Variations(Pictures, [.. Enumerable.Range(0, _run.Options.BatchSize).Select(i => first + i)]); // (B, 3, H, W)
        using DiagonalGaussianDistribution posterior = _vae.Encode(pictures.to(_device));                                             // q(z|x)
        Tensor noise = randn(posterior.Mean.shape, ScalarType.Float32, CPU, generator: generator).to(_device);
        Tensor reconstruction = _vae.Decode(posterior.Sample(noise));                                                               // (B, 3, H, W)
        return _loss.Compute(pictures.to(_device), reconstruction, posterior).MoveToOuterDisposeScope();
    }

    // Originals that were never trained on above their reconstructions; their figure goes beside the sheets.
    private protected override void DrawSamples(string path, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        int shown = Math.Min(SheetPictures, _heldOut.Count);
        Tensor pictures = PictureBatch.Originals(_heldOut, [.. Enumerable.Range(0, shown).Select(i => i * _heldOut.Count / shown)]);
        Tensor reconstructions = Reconstruct(pictures);
        ImageFile.WritePng(path, ContactSheet.Compose([Row(pictures), Row(reconstructions)]));
        string line = string.Create(CultureInfo.InvariantCulture, $$"""{"step":{{Step}},"heldOutPsnr":{{HeldOutPsnr():f3}}}""");
        File.AppendAllText(Path.Combine(_run.Folder, "reconstruction.jsonl"), line + "\n");
    }

    // Latents of mean 0, times the scaling factor of unit variance (arXiv 2112.10752, appendix G). The mean matters, for a picture
    // is drawn from noise of mean 0: far from the data's, it leaves a tint.
    private protected override void WriteModel(CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        Tensor latents = LatentMeans();                                                               // (N, C, H, W)
        Tensor origin = latents.mean([0, 2, 3]);
        double scalingFactor = Math.Round(1 / (latents - origin.view(1, -1, 1, 1)).std().item<float>(), 5);
        _vae.MoveOrigin(origin); // of the running mean, which the caller takes out again: the trained weights stay
        SnapshotWriter.WriteVae(_modelFolder, _vae, _run.Options.Vae with { ScalingFactor = scalingFactor, SampleSize = Pictures.Size });
    }

    private protected override void DisposeNetworks() => _vae.Dispose();

    private Tensor LatentMeans()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        List<Tensor> means = [];
        foreach (long[] batch in Enumerable.Range(0, ScalePictures).Select(i => (long)i).Chunk(EvaluationBatch))
        {
            Tensor pictures = PictureBatch.Variations(Pictures, batch);
            using DiagonalGaussianDistribution posterior = _vae.Encode(pictures.to(_device));
            means.Add(posterior.Mean.cpu());
        }

        return cat(means).MoveToOuterDisposeScope();
    }

    private Tensor Reconstruct(Tensor pictures)
    {
        using DiagonalGaussianDistribution posterior = _vae.Encode(pictures.to(_device));
        return _vae.Decode(posterior.Mean).cpu();
    }

    private static RgbImage[] Row(Tensor pictures) => [.. Enumerable.Range(0, (int)pictures.shape[0]).Select(i => RgbImage.FromTensor(pictures[i]))];

    private static bool IsHeldOut(int original, VaePretrainingOptions options) => original % options.HoldOutEvery == options.HoldOutEvery / 2;
}

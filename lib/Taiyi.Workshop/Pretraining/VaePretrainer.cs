using System.Globalization;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Models;
using Taiyi.Snapshots;
using Taiyi.Training;
using static TorchSharp.torch;

namespace Taiyi.Workshop.Pretraining;

/// <summary>Trains a VAE on variations of pictures, from nothing or from the weights of another.</summary>
public sealed class VaePretrainer : Pretrainer
{
    private const int SheetPictures = 16, EncodedAtOnce = 32, ScalePictures = 512;

    private readonly PretrainingRun<VaePretrainingOptions> _run;
    private readonly string _modelFolder;
    private readonly Device _device;
    private readonly AutoencoderKL _vae;
    private readonly VaeLoss _loss;
    private readonly (string Name, IPictureSource Pictures)[] _heldOut;

    /// <summary>Builds the network, or goes on with that of the run's newest checkpoint.</summary>
    /// <param name="run">The folder of the run, new or to be resumed.</param>
    /// <param name="pictures">The data of the run's options; the others that these name are opened here.</param>
    /// <param name="modelFolder">The model's folder: the VAE is written to <c>vae</c> in it.</param>
    /// <param name="device">Where to compute; the CPU if null.</param>
    /// <exception cref="TrainingException">The run's checkpoint was trained on other data.</exception>
    public VaePretrainer(PretrainingRun<VaePretrainingOptions> run, IPictureSource pictures, string modelFolder, Device? device = null)
        : this(run, [("drawings", pictures), .. run.Options.Others.Select(other => (Path.GetFileName(Path.TrimEndingDirectorySeparator(other.Path)), other.Open()))], modelFolder, device)
    {
    }

    private VaePretrainer(PretrainingRun<VaePretrainingOptions> run, (string Name, IPictureSource Pictures)[] sources, string modelFolder, Device? device)
        : base(run, run.Options, Seen(sources, run.Options))
    {
        VaePretrainingOptions options = run.Options;
        (_run, _modelFolder, _device) = (run, modelFolder, device ?? CPU);
        _heldOut = [.. sources.Select(source => (source.Name, source.Pictures.Where(i => IsHeldOut(i, options))))];
        _loss = new VaeLoss(options.Weights);
        _vae = new AutoencoderKL(options.Vae, device, DType);
        Initialize(_vae, "first weights");
        if (options.InitialVae is { } initial && run.LatestCheckpoint is null)
        {
            using AutoencoderKL begin = SnapshotWriter.ReadVae(initial);
            WarmStart.Copy(begin, _vae);
        }

        Start(WeightsOf("vae", _vae));
    }

    /// <summary>The network, in training.</summary>
    public AutoencoderKL Vae => _vae;

    /// <summary>How the held-out originals come back from their latents: those of the data, then those of each of the other folders; none of what is too small to hold one out.</summary>
    public IReadOnlyList<(string Name, PictureQuality Quality)> HeldOutQuality() =>
        [.. _heldOut.Where(source => source.Pictures.Count > 0).Select(source => (source.Name, PictureQuality.OfReconstructions(_vae, source.Pictures)))];

    /// <inheritdoc/>
    protected override Tensor ComputeLoss(long pass, Generator generator)
    {
        using var scope = NewDisposeScope();
        long first = pass * _run.Options.BatchSize;
        Tensor pictures = PictureBatch.Variations(Pictures, [.. Enumerable.Range(0, _run.Options.BatchSize).Select(i => first + i)]); // (B, 3, H, W)
        pictures = ChannelsLast(pictures.to(_device));
        using DiagonalGaussianDistribution posterior = Encode(pictures);                                                            // q(z|x)
        Tensor noise = randn(posterior.Mean.shape, ScalarType.Float32, CPU, generator: generator).to(_device);
        Tensor latents = TrainsDecoderAlone ? Disturb(posterior.Mean, noise, generator) : posterior.Sample(noise);                  // (B, C, h, w)
        Tensor reconstruction = _vae.Decode(latents);                                                                               // (B, 3, H, W)
        return _loss.Compute(pictures, reconstruction, posterior).MoveToOuterDisposeScope();
    }

    private bool TrainsDecoderAlone => _run.Options.DecoderNoise > 0;

    private DiagonalGaussianDistribution Encode(Tensor pictures)
    {
        using IDisposable? noGrad = TrainsDecoderAlone ? no_grad() : null;
        return _vae.Encode(pictures);
    }

    // z + u ε deviation(z), u even in [0, DecoderNoise] for each picture.
    private Tensor Disturb(Tensor latents, Tensor noise, Generator generator)
    {
        Tensor level = _run.Options.DecoderNoise * rand([latents.shape[0], 1, 1, 1], ScalarType.Float32, CPU, generator: generator).to(_device);
        return latents + level * latents.std() * noise;
    }

    // The same values with the channels of a pixel side by side in memory: so libtorch convolves large maps of few channels in a
    // quarter less time.
    private static Tensor ChannelsLast(Tensor pictures) => pictures.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

    // Originals that were never trained on above their reconstructions; their figures go beside the sheets.
    /// <inheritdoc/>
    protected override void DrawSamples(string path, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        List<IReadOnlyList<Image<Rgb24>>> rows = [];
        foreach ((_, IPictureSource source) in _heldOut.Where(source => source.Pictures.Count > 0))
        {
            int shown = Math.Min(SheetPictures, source.Count);
            Tensor pictures = PictureBatch.Originals(source, [.. Enumerable.Range(0, shown).Select(i => i * source.Count / shown)]);
            rows.AddRange([pictures.ToImages(), PictureQuality.Reconstruct(_vae, pictures).ToImages()]);
        }

        ImageFile.WritePng(path, ContactSheet.Compose(rows));
        string figures = string.Join(',', HeldOutQuality().Select(source => string.Create(
            CultureInfo.InvariantCulture, $$"""{"pictures":"{{source.Name}}","psnr":{{source.Quality.Psnr:f3}},"sharpness":{{source.Quality.Sharpness:f3}}}""")));
        File.AppendAllText(Path.Combine(_run.Folder, "reconstruction.jsonl"), string.Create(CultureInfo.InvariantCulture, $$"""{"step":{{Step}},"heldOut":[{{figures}}]}""") + "\n");
    }

    // Latents of mean 0, times the scaling factor of unit variance (arXiv 2112.10752, appendix G). The mean matters, for a picture
    // is drawn from noise of mean 0: far from the data's, it leaves a tint.
    private protected override void WriteModel(CancellationToken cancellationToken)
    {
        if (TrainsDecoderAlone)
        {
            SnapshotWriter.WriteVae(_modelFolder, _vae, _run.Options.Vae);
            return;
        }

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
        foreach (long[] batch in Enumerable.Range(0, ScalePictures).Select(i => (long)i).Chunk(EncodedAtOnce))
        {
            Tensor pictures = PictureBatch.Variations(Pictures, batch);
            using DiagonalGaussianDistribution posterior = _vae.Encode(pictures.to(_device));
            means.Add(posterior.Mean.cpu());
        }

        return cat(means).MoveToOuterDisposeScope();
    }

    private static MixedPictures Seen((string Name, IPictureSource Pictures)[] sources, VaePretrainingOptions options)
    {
        IPictureSource[] seen = [.. sources.Select(source => source.Pictures.Where(i => !IsHeldOut(i, options)))];
        return new MixedPictures(seen[0], seen[1..], options.OthersShare, options.Data.Seed);
    }

    private static bool IsHeldOut(int original, VaePretrainingOptions options) => original % options.HoldOutEvery == options.HoldOutEvery / 2;
}

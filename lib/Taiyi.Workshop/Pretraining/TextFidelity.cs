using Taiyi.Files;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Workshop.Pretraining;

/// <summary>How often the nearest label of a picture is the one that was asked for, and how often it is among the five nearest: shares of 1.</summary>
public sealed record FidelityScore(double Top1, double Top5);

/// <summary>The scores of a model, of its VAE's reconstructions of the originals (the ceiling), and of random originals (the floor).</summary>
/// <param name="Labels">How many were drawn.</param>
/// <param name="Model">Of the drawn pictures.</param>
/// <param name="Ceiling">Of the originals, encoded and decoded.</param>
/// <param name="Floor">Of originals of other labels.</param>
/// <param name="Sharpness">Mean gradient magnitude of the drawn pictures, as a share of that of the originals of the same labels.</param>
public sealed record FidelityReport(int Labels, FidelityScore Model, FidelityScore Ceiling, FidelityScore Floor, double Sharpness);

/// <summary>
/// Whether a model draws what a prompt says: the original nearest to the picture has the prompted label. Nearness is the mean
/// absolute difference of the pictures at a quarter of their size, to the original or its mirror image, whichever is nearer.
/// </summary>
public sealed class TextFidelity : IDisposable
{
    private const int Window = 4, Nearest = 5, DrawnAtOnce = 25;

    private readonly IPictureSource _originals;
    private readonly Tensor _features; // (2N, 3 * H/4 * W/4): originals, then their mirror images

    /// <summary>Computes the features of all originals.</summary>
    public TextFidelity(IPictureSource originals)
    {
        _originals = originals;
        using var scope = NewDisposeScope();
        using Tensor pictures = PictureBatch.Originals(originals, [.. Enumerable.Range(0, originals.Count)]);
        _features = cat([Features(pictures), Features(pictures.flip(3))]).DetachFromDisposeScope();
    }

    /// <summary>Scores pictures.</summary>
    /// <param name="pictures">(N, 3, H, W) in [-1, 1], sides multiples of 4.</param>
    /// <param name="labels">The N labels that were asked for.</param>
    public FidelityScore Score(Tensor pictures, IReadOnlyList<string> labels)
    {
        using var scope = NewDisposeScope();
        Tensor distances = cdist(Features(pictures.to(ScalarType.Float32, CPU)), _features, 1);                  // (N, 2N')
        (int top1, int top5) = (0, 0);
        for (int i = 0; i < labels.Count; i++)
        {
            long[] order = distances[i].argsort().data<long>().ToArray();
            List<string> nearest = [.. order.Select(k => _originals.Label((int)(k % _originals.Count))).Distinct().Take(Nearest)];
            top1 += nearest[0] == labels[i] ? 1 : 0;
            top5 += nearest.Contains(labels[i]) ? 1 : 0;
        }

        return new FidelityScore((double)top1 / labels.Count, (double)top5 / labels.Count);
    }

    /// <summary>Draws labels with a model and scores the pictures, the VAE's reconstructions and random originals.</summary>
    /// <param name="pipeline">The model, for pictures of the originals' size.</param>
    /// <param name="labels">How many originals are prompted for, chosen by chance; all if there are fewer.</param>
    /// <param name="options">How to draw: steps, guidance; the seed of picture i is that of the options plus i.</param>
    /// <param name="progress">Told the number of pictures drawn.</param>
    /// <param name="cancellationToken">Ends the call between two steps; so does <see cref="Interruption"/>.</param>
    public FidelityReport Measure(
        StableDiffusionPipeline pipeline, int labels = 200, GenerationOptions? options = null,
        IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        using var scope = NewDisposeScope();
        options ??= pipeline.DefaultOptions;
        Random random = new(5);
        int[] chosen = [.. Enumerable.Range(0, _originals.Count).OrderBy(_ => random.Next()).Take(labels)];
        string[] wanted = [.. chosen.Select(_originals.Label)];
        int[] others = [.. chosen.Select(_ => random.Next(_originals.Count))];
        Tensor truth = PictureBatch.Originals(_originals, chosen);
        Tensor drawn = Draw(pipeline, chosen, options, progress, cancellationToken);
        return new FidelityReport(
            chosen.Length,
            Score(drawn, wanted),
            Score(PictureQuality.Reconstruct(pipeline.Vae, truth), wanted),
            Score(PictureBatch.Originals(_originals, others), wanted),
            PictureQuality.Of(drawn, truth).Sharpness);
    }

    /// <summary>Frees the features.</summary>
    public void Dispose() => _features.Dispose();

    private Tensor Draw(StableDiffusionPipeline pipeline, int[] chosen, GenerationOptions options, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        List<Tensor> drawn = [];
        foreach (int[] batch in chosen.Chunk(DrawnAtOnce))
        {
            using GenerationResult result = pipeline.Generate(
                [.. batch.Select(_originals.Prompt)], options with { Seed = (options.Seed ?? 1000) + drawn.Count * DrawnAtOnce }, cancellationToken: cancellationToken);
            drawn.Add(result.ImageTensor.to(ScalarType.Float32, CPU).clone());
            progress?.Report(drawn.Count * DrawnAtOnce);
        }

        return cat(drawn).MoveToOuterDisposeScope();
    }

    private static Tensor Features(Tensor pictures)
    {
        using var scope = NewDisposeScope();
        return functional.avg_pool2d(pictures, Window).flatten(1).MoveToOuterDisposeScope();                      // (N, 3 * H/4 * W/4)
    }
}

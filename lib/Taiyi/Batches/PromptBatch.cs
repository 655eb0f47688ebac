namespace Taiyi.Batches;

/// <summary>Draws the pictures of a file of prompts into a folder, each only once, and writes each as soon as it is drawn.</summary>
/// <param name="pipeline">The model, with its LoRA and sampler.</param>
/// <param name="options">How to draw where a row says nothing else; without a start picture and latents.</param>
/// <param name="style">Style words put behind every prompt.</param>
/// <param name="batchSize">Pictures that are drawn at once with some options.</param>
public sealed class PromptBatch(StableDiffusionPipeline pipeline, GenerationOptions options, string style, Func<GenerationOptions, int> batchSize)
{
    private readonly PictureKeys _keys = new(pipeline);
    private readonly HashSet<string> _warnings = [];

    /// <summary>Pictures that were there already.</summary>
    public int Found { get; private set; }

    /// <summary>What the user should know of the prompts that were drawn, a sentence each.</summary>
    public IReadOnlyCollection<string> Warnings => _warnings;

    /// <summary>Checks every row before the first is drawn: a mistake in the last should not show itself after hours.</summary>
    /// <param name="path">The file, for the message.</param>
    /// <param name="requests">Its rows.</param>
    /// <exception cref="PromptFileException">An option of a row is out of its range.</exception>
    public void Check(string path, IEnumerable<PromptRequest> requests)
    {
        foreach (PromptRequest request in requests)
        {
            try
            {
                pipeline.Begin(request.Apply(options).CheckedFor(pipeline, [request.Prompt])).Dispose();
            }
            catch (ArgumentException error)
            {
                throw new PromptFileException($"'{path}' line {request.Line}: {error.Message}", error);
            }
        }
    }

    /// <summary>Draws what is missing of one share.</summary>
    /// <param name="requests">The rows of the file.</param>
    /// <param name="shard">The share of the rows.</param>
    /// <param name="folder">Where the pictures go: <c>LINE-NUMBER-KEY.png</c>.</param>
    /// <param name="manifest">What is in the folder.</param>
    /// <param name="progress">Told of every step of a prompt's pictures.</param>
    /// <param name="cancellationToken">Ends the drawing between two steps.</param>
    /// <returns>Each picture after it and its line in the manifest are written.</returns>
    public IEnumerable<ManifestPicture> Draw(
        IReadOnlyList<PromptRequest> requests, Shard shard, string folder, PictureManifest manifest, Func<string, IProgress<DenoisingStep>?> progress,
        CancellationToken cancellationToken = default)
    {
        foreach (PromptRequest request in requests.Where((_, row) => shard.Has(row)))
        {
            string prompt = Inference.WithStyle(request.Prompt, style);
            GenerationOptions own = request.Apply(options);
            ManifestPicture[] pictures = [.. Enumerable.Range(0, own.NumImagesPerPrompt).Select(number => Describe(request.Line, number, prompt, own))];
            for (int first = 0; first < pictures.Length;)
            {
                // As many as are missing one behind the other: their seeds are neighbours.
                int count = pictures.Skip(first).Take(batchSize(own)).TakeWhile(picture => !manifest.Has(picture)).Count();
                if (count == 0)
                {
                    Found++;
                    first++;
                    continue;
                }

                foreach (ManifestPicture picture in DrawAtOnce(pictures.AsSpan(first, count).ToArray(), prompt, own with { Seed = own.Seed + first, NumImagesPerPrompt = count }, folder, progress(prompt), cancellationToken))
                {
                    manifest.Add(picture);
                    yield return picture;
                }

                first += count;
            }
        }
    }

    private ManifestPicture[] DrawAtOnce(
        ManifestPicture[] pictures, string prompt, GenerationOptions own, string folder, IProgress<DenoisingStep>? progress, CancellationToken cancellationToken)
    {
        using GenerationResult result = pipeline.Generate(prompt, own, progress, cancellationToken);
        _warnings.UnionWith(result.Warnings);
        for (int i = 0; i < pictures.Length; i++)
        {
            result.SavePicture(i, Path.Combine(folder, pictures[i].File), own, pipeline.Scheduler.GetType().Name);
            result.Images[i].Dispose();
        }

        return pictures;
    }

    private ManifestPicture Describe(int line, int number, string prompt, GenerationOptions own)
    {
        long seed = own.Seed!.Value + number;
        string key = _keys.Of(prompt, own, seed);
        long[] shape = pipeline.LatentShape(1, own);
        int factor = pipeline.VaeConfig.DownscaleFactor;
        return new ManifestPicture(
            FormattableString.Invariant($"{line:D5}-{number + 1}-{key}.png"), line, prompt, own.NegativePrompt, unchecked((ulong)seed), own.NumInferenceSteps, own.GuidanceScale,
            (int)shape[3] * factor, (int)shape[2] * factor, key);
    }
}

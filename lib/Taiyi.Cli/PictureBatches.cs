using Taiyi.Files;
using static TorchSharp.torch;

namespace Taiyi.Cli;

/// <summary>A picture that is written.</summary>
internal sealed record DrawnPicture(string File, string Prompt, long Seed);

/// <summary>
/// Draws the pictures of some prompts in batches and writes each batch as soon as it is drawn, so that a run that is stopped or fails
/// keeps what it has.
/// </summary>
/// <param name="pipeline">The model.</param>
/// <param name="options">How to draw; its number of pictures is that of a prompt.</param>
/// <param name="batchSize">Pictures drawn at once.</param>
/// <param name="folder">Where they go.</param>
internal sealed class PictureBatches(StableDiffusionPipeline pipeline, GenerationOptions options, int batchSize, string folder) : IDisposable
{
    private const long BusyPositions = 32 * 32;

    private readonly List<DrawnPicture> _pictures = [];
    private readonly List<string> _truncatedText = [];
    private readonly List<string> _warnings = [];
    private readonly List<Tensor> _latents = [];

    /// <summary>What is written so far.</summary>
    public IReadOnlyList<DrawnPicture> Pictures => _pictures;

    /// <summary>What was cut off each prompt that was begun; "" where nothing was.</summary>
    public IReadOnlyList<string> TruncatedText => _truncatedText;

    /// <summary>What the user should know of the prompts, a sentence each.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>Pictures that fill a processor: positions of latents beyond some 1000 only take longer, fewer leave it idle between two layers.</summary>
    public static int UsualSize(StableDiffusionPipeline pipeline, GenerationOptions options)
    {
        long[] shape = pipeline.LatentShape(1, options);
        return (int)Math.Max(1, BusyPositions / Math.Max(1, shape[2] * shape[3]));
    }

    /// <summary>Draws and writes all pictures.</summary>
    /// <param name="prompts">The prompts with their style words.</param>
    /// <param name="latents">Initial noise of all pictures, (prompts x pictures, C, H/f, W/f), or null to draw it.</param>
    /// <param name="report">Gives the progress of each batch.</param>
    /// <param name="cancellationToken">Ends the drawing between two steps.</param>
    public void Draw(IReadOnlyList<string> prompts, Tensor? latents, GenerationProgress.OfBatch report, CancellationToken cancellationToken)
    {
        if (batchSize < 1)
        {
            throw new ArgumentException($"--batch-size is {batchSize}; it must be 1 or more.");
        }

        int[][] batches = options.NumImagesPerPrompt > 0 ? [.. Enumerable.Range(0, options.NumImagesPerPrompt).Chunk(batchSize)] : [[]];
        for (int i = 0; i < prompts.Count; i++)
        {
            for (int j = 0; j < batches.Length; j++)
            {
                int first = batches[j].FirstOrDefault(), count = batches[j].Length;
                GenerationOptions own = options with
                {
                    NumImagesPerPrompt = count,
                    Seed = options.Seed + first,
                    Latents = latents?.narrow(0, ((long)i * options.NumImagesPerPrompt) + first, count),
                };
                Write(pipeline.Generate(prompts[i], own, report(i, j, batches.Length), cancellationToken), isFirst: j == 0);
            }
        }
    }

    /// <summary>Writes the final latents of all pictures that are drawn, as 'latents'; nothing if the path is null or no picture is drawn.</summary>
    public void WriteLatents(string? path)
    {
        if (path is not null && _latents.Count > 0)
        {
            using Tensor all = cat(_latents);
            SafetensorsFile.Write(path, [new("latents", all)]);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _latents.ForEach(latents => latents.Dispose());

    private void Write(GenerationResult result, bool isFirst)
    {
        using (result)
        {
            if (isFirst)
            {
                _truncatedText.AddRange(result.TruncatedText);
                _warnings.AddRange(result.Warnings.Except(_warnings));
            }

            IReadOnlyList<string> files = result.Save(folder, options, pipeline.Scheduler.GetType().Name);
            _pictures.AddRange(files.Select((file, i) => new DrawnPicture(file, result.Prompts[i], result.Seeds[i])));
            _latents.Add(result.Latents.clone().DetachFromDisposeScope());
        }
    }
}

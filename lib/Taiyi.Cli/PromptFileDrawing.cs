using Spectre.Console;
using Taiyi.Batches;
using Taiyi.Distributed;

namespace Taiyi.Cli;

/// <summary><c>taiyi generate --prompts FILE</c>: what is missing of this process's share, each picture named as soon as it is written.</summary>
internal static class PromptFileDrawing
{
    /// <summary>Draws, and prints the path of each picture or its line of the manifest.</summary>
    /// <param name="pipeline">The model, with its LoRA and sampler.</param>
    /// <param name="options">How to draw where a row says nothing else.</param>
    /// <param name="style">Style words put behind every prompt.</param>
    /// <param name="batchSize">Pictures drawn at once; as many as the processor has use for if null.</param>
    /// <param name="file">The file of prompts.</param>
    /// <param name="shard">The user's share, or null.</param>
    /// <param name="output">The folder.</param>
    /// <param name="json">Whether to print lines of the manifest.</param>
    /// <param name="cancellationToken">Ends the drawing; what is written stays.</param>
    public static void Run(
        StableDiffusionPipeline pipeline, GenerationOptions options, string style, int? batchSize, string file, string? shard, string output, bool json, CancellationToken cancellationToken)
    {
        if (batchSize < 1)
        {
            throw new ArgumentException($"--batch-size is {batchSize}; it must be 1 or more.");
        }

        Shard share = JobShare.Find(shard is null ? null : Shard.Parse(shard));
        IReadOnlyList<PromptRequest> requests = PromptFile.Read(file);
        PromptBatch batch = new(pipeline, options, style, own => batchSize ?? PictureBatches.UsualSize(pipeline, own));
        batch.Check(file, requests);
        using OutputFolder folder = OutputFolder.Open(output);
        using PictureManifest manifest = PictureManifest.Open(folder.Path, share);
        int drawn = 0;
        try
        {
            foreach (ManifestPicture picture in batch.Draw(requests, share, folder.Path, manifest, _ => null, cancellationToken))
            {
                drawn++;
                Console.WriteLine(json ? picture.ToJson() : Path.Combine(folder.Path, picture.File));
            }
        }
        finally
        {
            CommandRunner.Warn(batch.Warnings);
            string whose = share.Count == 1 ? "" : $" of share {share}";
            CommandRunner.Error.MarkupLineInterpolated($"{drawn} pictures{whose} drawn, {batch.Found} were there; {manifest.Path}");
        }
    }
}

using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Snapshots;
using static TorchSharp.torch;

namespace Taiyi.Lora;

/// <summary>A model folder with LoRAs merged into its UNet, for programs that read no LoRA and for the speed of the base.</summary>
public static class MergedModel
{
    private const string UNetWeights = "diffusion_pytorch_model";

    /// <summary>
    /// Writes a copy of a snapshot whose UNet has the weights W + Σᵢ wᵢ (αᵢ / rᵢ) Bᵢ Aᵢ, in the dtype of the original's.
    /// </summary>
    /// <remarks>
    /// Copied are all files but the UNet's weights, LDM checkpoints at the top (they hold the unmerged UNet) and hidden
    /// folders. The output folder appears under its name only when it is complete.
    /// </remarks>
    /// <param name="model">A Hugging Face snapshot folder.</param>
    /// <param name="loras">The LoRAs and their weights.</param>
    /// <param name="output">A folder that does not exist yet, or is empty.</param>
    /// <param name="cancellationToken">Ends the writing between two files.</param>
    /// <returns>What to tell the user of the LoRA files.</returns>
    /// <exception cref="ArgumentException">No LoRA is given, the model is a single file, or the output folder is in use.</exception>
    /// <exception cref="CheckpointException">The model or a LoRA cannot be read, or they do not fit.</exception>
    public static MergeNotes Write(
        string model, IReadOnlyList<LoraReference> loras, string output, CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource cancellation = Interruption.Combine(cancellationToken);
        CheckArguments(model, loras, output);
        MergeNotes notes = new([], []);
        AtomicWrite.Folder(output, folder =>
        {
            notes = WriteUNet(model, loras, Path.Combine(folder, "unet", UNetWeights + ".safetensors"), cancellation.Token);
            CopyOtherFiles(model, folder, cancellation.Token);
        });
        return notes;
    }

    private static void CheckArguments(string model, IReadOnlyList<LoraReference> loras, string output)
    {
        if (loras.Count == 0)
        {
            throw new ArgumentException("There is nothing to merge: name at least one LoRA file.");
        }

        if (File.Exists(model))
        {
            throw new ArgumentException($"'{model}' is a single file; merging writes the layout of a snapshot folder, so give the folder that holds unet/.");
        }

        if (File.Exists(output) || (Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any()))
        {
            throw new ArgumentException($"The output '{output}' exists already: name a new or an empty folder, so that no model is overwritten.");
        }

        string inside = Path.GetRelativePath(model, output);
        if (inside != ".." && !inside.StartsWith(".." + Path.DirectorySeparatorChar, StringComparison.Ordinal) && !Path.IsPathRooted(inside))
        {
            throw new ArgumentException($"The output '{output}' lies inside the model '{model}': name a folder elsewhere.");
        }
    }

    private static MergeNotes WriteUNet(string model, IReadOnlyList<LoraReference> loras, string path, CancellationToken cancellationToken)
    {
        ModelFolder folder = ModelFolder.Open(model);
        ScalarType dtype;
        using (IStateDictFile weights = folder.OpenUNet())
        {
            dtype = weights.Tensors.Values.First().DType;
        }

        using UNet2DConditionModel unet = folder.LoadUNet(CPU, dtype, cancellationToken);
        List<LoraAdapter> adapters = [];
        try
        {
            foreach (LoraReference lora in loras)
            {
                adapters.Add(LoraAdapter.Load(unet, lora.Path, lora.Weight));
                adapters[^1].Merge();
            }

            SafetensorsFile.Write(
                path,
                unet.named_parameters().Select(p => KeyValuePair.Create(p.name, (Tensor)p.parameter)),
                new Dictionary<string, string> { ["format"] = "pt" });
            return new([.. adapters.SelectMany(adapter => adapter.UnmatchedKeys)], [.. adapters.SelectMany(adapter => adapter.Warnings)]);
        }
        finally
        {
            adapters.ForEach(adapter => adapter.Dispose());
        }
    }

    private static void CopyOtherFiles(string model, string target, CancellationToken cancellationToken)
    {
        foreach (string file in Directory.EnumerateFiles(model, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            string relative = Path.GetRelativePath(model, file).Replace('\\', '/');
            if (IsCopied(relative))
            {
                string copy = Path.Combine(target, relative);
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }
        }
    }

    private static bool IsCopied(string relative)
    {
        bool isHidden = relative.Split('/').SkipLast(1).Any(folder => folder.StartsWith('.'));
        bool isUNetWeights = relative.StartsWith("unet/" + UNetWeights, StringComparison.Ordinal);
        bool isWholeCheckpoint = !relative.Contains('/') && Path.GetExtension(relative) is (".ckpt" or ".safetensors");
        return !isHidden && !isUNetWeights && !isWholeCheckpoint;
    }
}

/// <summary>What a merge could not use or had to assume.</summary>
/// <param name="UnmatchedKeys">Keys of the LoRA files that fit nothing in this UNet and are not in the result.</param>
/// <param name="Warnings">As <see cref="LoraFile.Warnings"/>.</param>
public sealed record MergeNotes(IReadOnlyList<string> UnmatchedKeys, IReadOnlyList<string> Warnings);

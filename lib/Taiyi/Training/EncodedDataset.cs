using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Taiyi.Data;
using Taiyi.Files;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Training;

/// <summary>
/// A data set as the UNet needs it: the VAE's posterior of every picture and the text encoder's states of every caption,
/// computed once, so that training needs neither of the two networks.
/// </summary>
/// <remarks>
/// It is kept in the memory of the model's device: for the full model 32 kB a picture (twice that with mirror images) and
/// 1.5 MB a caption in float32. Pictures are cropped as in epoch 0 of the data set.
/// </remarks>
public sealed class EncodedDataset : IDisposable
{
    private const string HashKey = "data_hash";
    private const int EncodingBatch = 8;

    private readonly Tensor _means, _deviations; // (V, N, C, H, W): V is 2 with mirror images, else 1
    private readonly Tensor _contexts;           // (N, L, D)
    private readonly Tensor _unconditional;      // (1, L, D), the empty caption
    private readonly long[] _epoch;              // numbers of the pictures, each as often as it is repeated

    private EncodedDataset(IReadOnlyList<Text2ImageEntry> entries, string hash, Tensor means, Tensor deviations, Tensor contexts, Tensor unconditional)
    {
        (Entries, Hash) = (entries, hash);
        _epoch = [.. entries.SelectMany((entry, i) => Enumerable.Repeat((long)i, entry.Repeats))];
        (_means, _deviations, _contexts, _unconditional) = (means, deviations, contexts, unconditional);
    }

    /// <summary>The pictures, by their numbers.</summary>
    public IReadOnlyList<Text2ImageEntry> Entries { get; }

    /// <summary>N, the number of pictures, mirror images not counted.</summary>
    public int Count => Entries.Count;

    /// <summary>Pictures of an epoch: each as often as <see cref="Text2ImageEntry.Repeats"/> says.</summary>
    public int EpochCount => _epoch.Length;

    /// <summary>Why a saved file could not be used and was made anew, a sentence for the user; null if there was none or it was read.</summary>
    public string? Note { get; private init; }

    /// <summary>The picture at a place of an epoch that is not shuffled.</summary>
    /// <param name="place">0 to <see cref="EpochCount"/> - 1.</param>
    /// <returns>Its number, for <see cref="Batch"/>.</returns>
    public long ImageAt(long place) => _epoch[place];

    /// <summary>SHA-256 of pictures, captions, their preparation and the two networks: equal hashes mean equal tensors.</summary>
    public string Hash { get; }

    /// <summary>C, H and W of the latents.</summary>
    public long[] LatentShape => _means.shape[2..];

    /// <summary>Encodes a data set.</summary>
    /// <param name="pipeline">The model; its VAE and text encoder are used.</param>
    /// <param name="dataset">Pictures of the size that the model was trained at.</param>
    /// <param name="horizontalFlip">Whether to encode the mirror image of every picture too.</param>
    /// <param name="progress">Told the number of pictures done.</param>
    /// <param name="cancellationToken">Ends the encoding between two pictures; so does <see cref="Interruption"/>.</param>
    /// <returns>The tensors in memory; the caller disposes of it.</returns>
    /// <exception cref="ImageFileException">A picture is broken.</exception>
    public static EncodedDataset Encode(
        StableDiffusionPipeline pipeline, Text2ImageDataset dataset, bool horizontalFlip = false,
        IProgress<int>? progress = null, CancellationToken cancellationToken = default) =>
        Encode(pipeline, dataset, HashOf(pipeline, dataset, horizontalFlip), horizontalFlip, progress, cancellationToken);

    /// <summary>Reads the tensors from a file if it holds those of this data set and model; else encodes and writes them there.</summary>
    /// <param name="path">A safetensors file, which need not exist; one that is cut, damaged or of other data is replaced, and <see cref="Note"/> says so.</param>
    /// <param name="pipeline">The model; its VAE and text encoder are used.</param>
    /// <param name="dataset">Pictures of the size that the model was trained at.</param>
    /// <param name="horizontalFlip">Whether to encode the mirror image of every picture too.</param>
    /// <param name="progress">Told the number of pictures done.</param>
    /// <param name="group">
    /// The processes that train together; this one alone if null. Process 0 encodes and the others wait for its file: one that does not see
    /// it, on a machine without a shared folder, encodes for itself.
    /// </param>
    /// <param name="cancellationToken">Ends the encoding between two pictures; so does <see cref="Interruption"/>.</param>
    /// <returns>The tensors in memory; the caller disposes of it.</returns>
    /// <exception cref="TrainingException">The data set or model is not that of process 0.</exception>
    public static EncodedDataset LoadOrEncode(
        string path, StableDiffusionPipeline pipeline, Text2ImageDataset dataset, bool horizontalFlip = false,
        IProgress<int>? progress = null, IProcessGroup? group = null, CancellationToken cancellationToken = default)
    {
        string hash = HashOf(pipeline, dataset, horizontalFlip);
        group ??= new SingleProcess();
        group.RequireSame(hash, "pictures, captions or weights of the VAE and the text encoder", cancellationToken);
        if (group.Rank > 0)
        {
            group.Barrier(cancellationToken);
            return LoadOrEncode(path, pipeline, dataset, hash, horizontalFlip, progress, cancellationToken);
        }

        EncodedDataset data = LoadOrEncode(path, pipeline, dataset, hash, horizontalFlip, progress, cancellationToken);
        group.Barrier(cancellationToken);
        return data;
    }

    private static EncodedDataset LoadOrEncode(
        string path, StableDiffusionPipeline pipeline, Text2ImageDataset dataset, string hash, bool horizontalFlip, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        string? note = null;
        if (File.Exists(path))
        {
            try
            {
                EncodedDataset saved = Read(path, pipeline, dataset, hash, horizontalFlip);
                progress?.Report(dataset.Count);
                return saved;
            }
            catch (Exception error) when (error is CheckpointException or IOException)
            {
                note = $"The pictures are encoded anew, since the encoded data of before cannot be used: {error.Message}";
            }
        }

        EncodedDataset encoded = Encode(pipeline, dataset, hash, horizontalFlip, progress, cancellationToken, note);
        SafetensorsFile.Write(
            path,
            [new("means", encoded._means), new("deviations", encoded._deviations), new("contexts", encoded._contexts), new("unconditional", encoded._unconditional)],
            new Dictionary<string, string> { [HashKey] = hash });
        return encoded;
    }

    /// <summary>Some pictures with their captions.</summary>
    /// <param name="pictures">Their numbers, B of them, each 0 to <see cref="Count"/> - 1.</param>
    /// <param name="mirrored">Which of them are to be mirror images, B values; null for none. Ignored where none were encoded.</param>
    /// <param name="withoutCaption">Which of them are to have the empty caption, B values; null for none.</param>
    /// <returns>New tensors; the caller disposes of them.</returns>
    public TrainingBatch Batch(IReadOnlyList<long> pictures, IReadOnlyList<bool>? mirrored = null, IReadOnlyList<bool>? withoutCaption = null)
    {
        using var scope = NewDisposeScope();
        bool hasMirrors = _means.shape[0] > 1;
        long[] rows = [.. pictures.Select((picture, i) => hasMirrors && mirrored is not null && mirrored[i] ? Count + picture : picture)];
        Tensor index = tensor(rows, device: _means.device);
        Tensor contexts = stack([.. pictures.Select((picture, i) => withoutCaption is not null && withoutCaption[i] ? _unconditional[0] : _contexts[picture])]);
        return new TrainingBatch(
            _means.flatten(0, 1).index_select(0, index).MoveToOuterDisposeScope(),
            _deviations.flatten(0, 1).index_select(0, index).MoveToOuterDisposeScope(),
            contexts.MoveToOuterDisposeScope());
    }

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        _means.Dispose();
        _deviations.Dispose();
        _contexts.Dispose();
        _unconditional.Dispose();
    }

    private static EncodedDataset Encode(
        StableDiffusionPipeline pipeline, Text2ImageDataset dataset, string hash, bool horizontalFlip, IProgress<int>? progress, CancellationToken cancellationToken,
        string? note = null)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using CancellationTokenSource cancellation = Interruption.Combine(cancellationToken);
        List<Tensor> means = [], deviations = [], contexts = [];
        for (int first = 0; first < dataset.Count; first += EncodingBatch)
        {
            cancellation.Token.ThrowIfCancellationRequested();
            int[] numbers = [.. Enumerable.Range(first, Math.Min(EncodingBatch, dataset.Count - first))];
            EncodePictures(pipeline, dataset, numbers, horizontalFlip, means, deviations);
            using PromptEmbeddings captions = pipeline.EncodePrompt([.. numbers.Select(i => dataset.Entries[i].Caption)], withGuidance: false);
            contexts.Add(captions.Conditional.alias());
            progress?.Report(first + numbers.Length);
        }

        using PromptEmbeddings empty = pipeline.EncodePrompt([""], withGuidance: false);
        return new EncodedDataset(
            dataset.Entries, hash,
            cat(means, 1).DetachFromDisposeScope(), cat(deviations, 1).DetachFromDisposeScope(),
            cat(contexts).DetachFromDisposeScope(), empty.Conditional.alias().DetachFromDisposeScope())
        { Note = note };
    }

    // Throws a CheckpointException for whatever is not the encoding of this data set.
    private static EncodedDataset Read(string path, StableDiffusionPipeline pipeline, Text2ImageDataset dataset, string hash, bool horizontalFlip)
    {
        using var scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(path);
        if (!file.Metadata.TryGetValue(HashKey, out string? saved) || saved != hash)
        {
            throw new CheckpointException($"'{path}' is of other pictures, captions or another model.");
        }

        Tensor Part(string name, params long[] shape) => file.Tensors.TryGetValue(name, out TensorInfo? info) && info.Shape.AsSpan().StartsWith(shape)
            ? file.Read(name).to(pipeline.Device, copy: true)
            : throw new CheckpointException($"'{path}' has no tensor '{name}' of this data set's size, it is damaged.");
        long views = horizontalFlip ? 2 : 1, width = pipeline.TextEncoder.Config.HiddenSize;
        Tensor means = Part("means", views, dataset.Count), deviations = Part("deviations", views, dataset.Count);
        Tensor contexts = Part("contexts", dataset.Count), unconditional = Part("unconditional", 1);
        return means.shape.SequenceEqual(deviations.shape) && means.dim() == 5 && contexts.dim() == 3 && contexts.shape[2] == width && contexts.shape.AsSpan(1).SequenceEqual(unconditional.shape.AsSpan(1))
            ? new EncodedDataset(
                dataset.Entries, hash,
                means.DetachFromDisposeScope(), deviations.DetachFromDisposeScope(), contexts.DetachFromDisposeScope(), unconditional.DetachFromDisposeScope())
            : throw new CheckpointException($"'{path}' has tensors whose sizes do not fit each other, it is damaged.");
    }

    private static void EncodePictures(
        StableDiffusionPipeline pipeline, Text2ImageDataset dataset, int[] numbers, bool horizontalFlip, List<Tensor> means, List<Tensor> deviations)
    {
        using var scope = NewDisposeScope();
        Tensor pixels = stack([.. numbers.Select(i => dataset.Read(i).PixelValues)]).to(pipeline.Device); // (B, 3, 8H, 8W)
        Tensor[] views = horizontalFlip ? [pixels, pixels.flip(3)] : [pixels];
        DiagonalGaussianDistribution[] posteriors = [.. views.Select(pipeline.Vae.Encode)];
        means.Add(stack([.. posteriors.Select(posterior => posterior.Mean)]).MoveToOuterDisposeScope()); // (V, B, C, H, W)
        deviations.Add(stack([.. posteriors.Select(posterior => (0.5 * posterior.LogVariance).exp())]).MoveToOuterDisposeScope());
    }

    private static string HashOf(StableDiffusionPipeline pipeline, Text2ImageDataset dataset, bool horizontalFlip)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{dataset.Size} {horizontalFlip} {pipeline.DType}")));
        foreach (Text2ImageEntry entry in dataset.Entries)
        {
            string repeats = entry.Repeats > 1 ? string.Create(CultureInfo.InvariantCulture, $"{entry.Repeats} x\n") : "";
            hash.AppendData(Encoding.UTF8.GetBytes($"\n{entry.FileName}\n{entry.Caption}\n{repeats}"));
            hash.AppendData(File.ReadAllBytes(entry.Path));
        }

        using var scope = NewDisposeScope();
        WeightsHash.Append(hash, pipeline.Vae.parameters().Concat(pipeline.TextEncoder.parameters()));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

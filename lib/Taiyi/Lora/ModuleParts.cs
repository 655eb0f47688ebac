using Taiyi.Files;
using static TorchSharp.torch;

namespace Taiyi.Lora;

/// <summary>The tensors that a LoRA file holds for one module of the UNet, by the part of the update that they are.</summary>
/// <param name="file">The open file.</param>
/// <param name="path">The module.</param>
/// <param name="keys">The file's keys by part.</param>
/// <param name="metadata">What the file says of α beside its tensors, if anything.</param>
internal sealed class ModuleParts(IStateDictFile file, string path, IReadOnlyDictionary<string, string> keys, LoraMetadata? metadata)
{
    /// <summary>The file's path, for messages.</summary>
    public string File => file.Path;

    /// <summary>Names of the parts that are present.</summary>
    public IEnumerable<string> Names => keys.Keys;

    /// <summary>Whether α had to be guessed: the file gives none for this module.</summary>
    public bool LacksAlpha { get; private set; }

    /// <summary>
    /// Sides of the module's kernel, which LyCORIS flattens: 3 × 3 or 1 × 1 in a convolution of Stable Diffusion's UNet, none in a linear layer.
    /// </summary>
    public long[] Kernel => path[(path.LastIndexOf('.') + 1)..] switch
    {
        "conv1" or "conv2" or "conv" or "conv_in" or "conv_out" => [3, 3],
        "conv_shortcut" or "proj_in" or "proj_out" => [1, 1],
        _ => [],
    };

    /// <summary>Whether the file's settings say that every module is a DoRA.</summary>
    public bool MustHaveMagnitude => metadata?.UsesDora == true;

    /// <summary>Whether a part is present.</summary>
    public bool Has(string part) => keys.ContainsKey(part);

    /// <summary>The file's own name of a part.</summary>
    /// <exception cref="CheckpointException">The part is missing: the update is incomplete.</exception>
    public string Key(string part) => keys.TryGetValue(part, out string? key) ? key : throw new CheckpointException(
        $"The LoRA '{file.Path}' has '{keys.Values.First()}', but not '{part}' of the same module '{path}': the file is incomplete.");

    /// <summary>Reads a part, in the file's dtype.</summary>
    /// <exception cref="CheckpointException">It is missing, no float tensor, or holds NaN or infinity.</exception>
    public Tensor Read(string part)
    {
        string key = Key(part);
        Tensor tensor = file.Read(key);
        if (!tensor.is_floating_point())
        {
            throw new CheckpointException($"In the LoRA '{file.Path}', '{key}' is {tensor.dtype}: the matrices of a LoRA must be in a float dtype.");
        }

        using Tensor finite = tensor.isfinite(), all = finite.all();
        return all.item<bool>() ? tensor : throw new CheckpointException(
            $"In the LoRA '{file.Path}', '{key}' holds NaN or infinity: its training blew up. Take an earlier checkpoint of it, or train again with a lower learning rate.");
    }

    /// <summary>Reads a part as a float32 matrix, to compute with.</summary>
    /// <exception cref="CheckpointException">It is missing, no matrix (…, …), or holds NaN or infinity.</exception>
    public Tensor ReadMatrix(string part)
    {
        Tensor tensor = Read(part);
        return tensor.dim() == 2 ? tensor.to(ScalarType.Float32) : throw Misshapen(part, tensor, "a matrix");
    }

    /// <summary>
    /// Reads the kernel between two matrices, of which the inner one is multiplied into it: Σ_q t[p,q,y,x] b[q,i], the Tucker form of a
    /// convolution's weight (LyCORIS, arXiv 2309.14859 section 3.2; "cp" in its older settings).
    /// </summary>
    /// <param name="part">t, (r, r, kernel, kernel).</param>
    /// <param name="inner">b, (r, in) float32.</param>
    /// <returns>(r, in, kernel, kernel) float32.</returns>
    /// <exception cref="CheckpointException">It is missing, of another shape, or holds NaN or infinity.</exception>
    public Tensor ReadKernel(string part, Tensor inner)
    {
        Tensor kernel = Read(part);
        long rank = inner.shape[0];
        return kernel.dim() == 4 && kernel.shape[0] == rank && kernel.shape[1] == rank
            ? einsum("pqyx,qi->piyx", kernel.to(ScalarType.Float32), inner).contiguous()
            : throw Misshapen(part, kernel, $"({rank}, {rank}, kernel, kernel) between two matrices of rank {rank}");
    }

    /// <summary>(n, in · kernel²) -> (n, in, kernel, kernel).</summary>
    /// <exception cref="CheckpointException">The second side is no multiple of kernel².</exception>
    public Tensor Unflatten(string part, Tensor matrix)
    {
        long places = Kernel.Aggregate(1L, (product, side) => product * side);
        return matrix.shape[1] % places == 0
            ? matrix.reshape([matrix.shape[0], matrix.shape[1] / places, .. Kernel])
            : throw Misshapen(part, matrix, $"(…, in · {places}) for the convolution '{path}'");
    }

    /// <summary>What is said of a part with a wrong shape.</summary>
    public CheckpointException Misshapen(string part, Tensor tensor, string expected) =>
        new($"In the LoRA '{file.Path}', '{Key(part)}' is {TensorInfo.FormatShape(tensor.shape)}: it must be {expected}.");

    /// <summary>α: the file's own tensor, else the metadata, else r.</summary>
    /// <param name="rank">r.</param>
    /// <exception cref="CheckpointException">The tensor is no finite number.</exception>
    public double Alpha(long rank)
    {
        if (!keys.TryGetValue(LoraKeys.Alpha, out string? key))
        {
            LacksAlpha = metadata?.GivesAlpha != true;
            return metadata?.AlphaOf(path, rank) ?? rank;
        }

        using Tensor tensor = file.Read(key);
        double alpha = tensor.numel() == 1 ? tensor.to(ScalarType.Float64).reshape(1)[0].item<double>() : double.NaN;
        if (!double.IsFinite(alpha))
        {
            throw new CheckpointException($"In the LoRA '{file.Path}', '{key}' must be one finite number.");
        }

        // kohya's networks/lora.py takes an alpha of 0 for the rank.
        return alpha == 0 ? rank : alpha;
    }
}

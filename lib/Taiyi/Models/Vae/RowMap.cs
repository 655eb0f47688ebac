using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>
/// A feature map (B, C, H, W) of which only the rows that are asked for are computed, and computed anew whenever they are
/// asked for: large maps need not be there as a whole, and the result is exact but for rounding.
/// </summary>
/// <remarks>
/// libtorch's convolution copies its input and output into an order of its own, which for a strip of rows takes a fraction of
/// the memory that it takes for a whole map.
/// </remarks>
/// <param name="whole">The tensor that it is computed from.</param>
/// <param name="height">H.</param>
/// <param name="rows">Rows from the first to before the last, (B, C, last - first, W): a new tensor.</param>
internal sealed class RowMap(Tensor whole, long height, Func<long, long, Tensor> rows)
{
    // Few enough to be small, and many beside the rows around a strip, which are computed twice.
    private const long StripRows = 64;

    // Maps of the UNet are smaller than this; those of the VAE near the picture's size are 64 MiB and more at Taiyi's size.
    private const long LargeBytes = 32L << 20;

    /// <summary>Whether a map is worth the strips: a large one on a CPU, where no gradients are recorded.</summary>
    public static bool IsLarge(Tensor map) =>
        map.device_type == DeviceType.CPU && !is_grad_enabled() && map.numel() * map.ElementSize > LargeBytes;

    /// <summary>H.</summary>
    public long Height => height;

    /// <summary>The rows of a tensor that is there as a whole.</summary>
    public static RowMap Of(Tensor whole) => new(whole, whole.shape[2], (first, last) => whole.narrow(2, first, last - first));

    /// <summary>Rows from the first to before the last, (B, C, last - first, W); the caller owns them.</summary>
    public Tensor Rows(long first, long last) => rows(first, last);

    /// <summary>Twice the height and width, by the nearest pixel.</summary>
    public RowMap Enlarge() => new(whole, 2 * height, (first, last) =>
    {
        using var scope = NewDisposeScope();
        Tensor small = rows(first / 2, (last + 1) / 2);
        Tensor doubled = functional.interpolate(small, [2 * small.shape[2], 2 * small.shape[3]], mode: InterpolationMode.Nearest);
        return doubled.narrow(2, first % 2, last - first).MoveToOuterDisposeScope();
    });

    /// <summary>A convolution that keeps the size.</summary>
    public RowMap Convolve(Conv2d convolution) => new(whole, height, (first, last) => convolution.Rows(this, first, last));

    /// <summary>Group norm and SiLU; the norm's statistics are of the whole map, which is computed once for them.</summary>
    public RowMap NormActivate(GroupNorm norm)
    {
        Tensor moments = MeanOfStrips(norm.Moments); // (2, B, groups)
        return new RowMap(whole, height, (first, last) =>
        {
            using var scope = NewDisposeScope();
            return functional.silu(norm.Normalize(rows(first, last), moments), inplace: true).MoveToOuterDisposeScope();
        });
    }

    /// <summary>The sum with another map of the same tensor.</summary>
    public RowMap Plus(RowMap other) => new(whole, height, (first, last) =>
    {
        using var scope = NewDisposeScope();
        return (rows(first, last) + other.Rows(first, last)).MoveToOuterDisposeScope();
    });

    /// <summary>Computes all rows into memory, and frees the tensor that they were computed from.</summary>
    public RowMap Keep()
    {
        using (whole)
        {
            return Of(ToTensor());
        }
    }

    /// <summary>The whole map, (B, C, H, W).</summary>
    public Tensor ToTensor()
    {
        using var scope = NewDisposeScope();
        Tensor? map = null;
        foreach ((long first, long last) in Strips())
        {
            using Tensor strip = rows(first, last);
            map ??= strip.new_empty([.. strip.shape[..2], height, strip.shape[3]]);
            map.narrow(2, first, last - first).copy_(strip);
        }

        return map!.MoveToOuterDisposeScope();
    }

    private Tensor MeanOfStrips(Func<Tensor, Tensor> statistic)
    {
        using var scope = NewDisposeScope();
        List<Tensor> weighted = [];
        foreach ((long first, long last) in Strips())
        {
            using Tensor strip = rows(first, last);
            weighted.Add(statistic(strip) * ((double)(last - first) / height));
        }

        return stack(weighted).sum([0]).MoveToOuterDisposeScope();
    }

    private IEnumerable<(long First, long Last)> Strips()
    {
        for (long first = 0; first < height; first += StripRows)
        {
            yield return (first, Math.Min(first + StripRows, height));
        }
    }
}

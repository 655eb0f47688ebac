using Taiyi.Lora;
using static TorchSharp.torch;

namespace Taiyi.Display;

/// <summary>Notebook 05.</summary>
public static partial class Exercises
{
    /// <summary>Numbers that a LoRA trains beside a weight: a function of (rows, columns, rank).</summary>
    public static ExerciseResult TrainedNumbers(Func<int, int, int, long>? count) => Exercise.Check(
        "Trained numbers beside any weight 任意权重旁边要训练的数", count,
        function => ForAll<(int Rows, int Columns, int Rank)>(size => function(size.Rows, size.Columns, size.Rank) == Trained(size.Rows, size.Columns, size.Rank),
            (1280, 768, 8), (192, 192, 4), (64, 256, 1)),
        "A is rank x columns, B is rows x rank. A 是 r x 列数，B 是 行数 x r。");

    /// <summary>The first rank at which a LoRA holds more numbers than a 192 x 192 weight.</summary>
    public static ExerciseResult UselessRank(int? rank) => Exercise.Check(
        "The first rank with more numbers than the 192 x 192 weight itself 参数反而更多的最小秩", rank, r => r == 97,
        "Solve r·(192 + 192) > 192·192. 解不等式。");

    /// <summary>The factor for B when α changes from 16 to 8.</summary>
    public static ExerciseResult SameUpdate(double? factor) => Exercise.Check(
        "The same update with α = 8 in place of 16 α 由 16 改为 8，更新不变", factor, k => Near(k, 2, 1e-9),
        "α/r · B A must stay the same. α/r · BA 必须不变。");

    /// <summary>The best approximation of a rank: a function of (matrix, rank).</summary>
    public static ExerciseResult BestOfRank(Func<Tensor, int, Tensor>? best) => Exercise.Check(
        "The approximation of rank k with the smallest error 误差最小的秩 k 近似", best,
        function =>
        {
            using var scope = NewDisposeScope();
            using Generator generator = new(5);
            Tensor matrix = randn([12, 9], float32, CPU, generator: generator), dropped = linalg.svdvals(matrix);
            return ForAll(k => Near((function(matrix, k) - matrix).norm().item<float>(), dropped[k..].norm().item<float>(), 1e-4), 1, 4);
        },
        "The first k columns of U times the first k numbers of S, then times the first k rows of Vᵀ. U 的前 k 列乘以前 k 个奇异值，再乘 Vᵀ 的前 k 行。");

    private static long Trained(int rows, int columns, int rank)
    {
        using var scope = NewDisposeScope();
        using Tensor weight = zeros(rows, columns);
        using Generator generator = new(1);
        using LoraLayer layer = LoraLayer.Create(weight, new LoraConfig { Rank = rank }, generator);
        return layer.A.numel() + layer.B.numel();
    }
}

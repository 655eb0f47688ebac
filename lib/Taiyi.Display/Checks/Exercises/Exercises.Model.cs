using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Display;

/// <summary>Notebook 04.</summary>
public static partial class Exercises
{
    /// <summary>How many times fewer numbers latents hold than their picture: a function of the VAE's factor and its channels.</summary>
    public static ExerciseResult Compression(Func<int, int, double>? times) => Exercise.Check(
        "How many times fewer numbers the latents hold 潜变量的数少了多少倍", times,
        function => Near(function(8, 4), 48, 1e-9) && Near(function(4, 4), 12, 1e-9) && Near(function(8, 8), 24, 1e-9),
        "A place of the latents stands for factor x factor pixels of 3 numbers each. 潜空间的一个位置对应 f x f 个像素，每个像素 3 个数。");

    /// <summary>The longest prompt that is not cut.</summary>
    public static ExerciseResult LongestPrompt(int? characters, BertTokenizer tokenizer) => Exercise.Check(
        "The longest prompt that is kept whole 不会被截断的最长提示词", characters,
        count => Fits(count, tokenizer) && !Fits(count + 1, tokenizer),
        "pipeline.Tokenizer.MaxLength counts all tokens of a padded prompt, the frame too. MaxLength 包括首尾标记。");

    /// <summary>softmax(Q Kᵀ / √d): a function of (Q, K).</summary>
    public static ExerciseResult AttentionWeights(Func<Tensor, Tensor, Tensor>? weights) => Exercise.Check(
        "The weights of scaled dot-product attention 缩放点积注意力的权重", weights,
        function =>
        {
            using var scope = NewDisposeScope();
            Tensor q = linspace(-2, 2, 80).sin().view(1, 2, 5, 8), k = linspace(0, 3, 48).cos().view(1, 2, 3, 8);
            Tensor identity = eye(3).expand(1, 2, 3, 3); // as V it leaves the weights
            Tensor answer = function(q, k);
            return answer.shape.SequenceEqual([1, 2, 5, 3]) && (answer - ScaledDotProductAttention.Compute(q, k, identity)).abs().max().item<float>() < 1e-5;
        },
        "Products of Q with the transposed K, divided by √d, then softmax over the tokens. Q 乘 K 的转置，除以 √d，再对词元做 softmax。");

    /// <summary>The ids of the prompt without a word.</summary>
    public static ExerciseResult EmptyPrompt(long[]? ids, BertTokenizer tokenizer) => Exercise.Check(
        "The tokens of the unconditional prompt 空提示词的词元", ids,
        answer => answer.SequenceEqual(tokenizer.Encode("").Ids),
        "Only the frame is left. 只剩首尾标记。");

    private static bool Fits(int characters, BertTokenizer tokenizer) => tokenizer.Encode(new string('一', characters)).CutText.Length == 0;
}

using Taiyi.Models;
using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Display;

/// <summary>Notebook 00.</summary>
public static partial class Exercises
{
    /// <summary>A prompt of four characters or more, all known to the tokenizer.</summary>
    public static ExerciseResult PromptInVocabulary(string? prompt, BertTokenizer tokenizer) => Exercise.Check(
        "Four characters or more, all in the vocabulary 四个字以上，且都在词表里", prompt,
        text => text.Length >= 4 && !tokenizer.Encode(text).Tokens.Contains("[UNK]"),
        "pipeline.Tokenizer.Encode(prompt).Tokens shows an unknown character as [UNK]. 词表里没有的字会显示为 [UNK]。");

    /// <summary>Gigabytes of the real UNet's 859,520,964 weights in bfloat16.</summary>
    public static ExerciseResult UNetInBfloat16(double? gigabytes) => Exercise.Check(
        "The size of the UNet's weights in bfloat16 UNet 权重用 bfloat16 存储的大小", gigabytes, value => Near(value, 1.719, 0.05),
        "A bfloat16 number takes 2 bytes. 一个 bfloat16 数占 2 个字节。");

    /// <summary>How many times the network is called for a picture: a function of the sampler's name and its steps.</summary>
    public static ExerciseResult NetworkCalls(Func<string, int, int>? calls) => Exercise.Check(
        "The calls of pndm, ddim and heun at 10 and at 50 steps 三种采样器在 10 步和 50 步时的网络调用次数", calls,
        count => ForAll<(string Name, int Steps)>(one =>
        {
            using SchedulerRun run = Scheduler.Create(one.Name, new SchedulerConfig()).Begin(one.Steps);
            return count(one.Name, one.Steps) == run.Timesteps.Count;
        }, ("pndm", 10), ("pndm", 50), ("ddim", 10), ("ddim", 50), ("heun", 10), ("heun", 50)),
        "A run's Timesteps hold one entry a call: Scheduler.Create(name, pipeline.SchedulerConfig).Begin(steps). Timesteps 中每次调用占一项。");

    /// <summary>The mean of a tensor's squares, without a tensor left behind.</summary>
    public static ExerciseResult MeanSquare(Func<Tensor, double>? meanSquare) => Exercise.Check(
        "The function is right and leaves no tensor behind 结果正确，且不遗留张量", meanSquare,
        function =>
        {
            using Tensor x = linspace(1, 3, 3, float64);
            long count = Tensor.TotalCount;
            return Near(function(x), 14 / 3.0, 1e-9) && Tensor.TotalCount == count;
        },
        "using var scope = NewDisposeScope(); works inside a function, item<double>() reads the result. 在函数里用 NewDisposeScope，再用 item<double>() 取值。");
}

using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using Taiyi;
using Taiyi.Benchmarks;
using Taiyi.Cpu;
using static TorchSharp.torch;

NativeLibraryResolver.Register();
AnsiConsole.Profile.Width = 160; // tables of more columns than a pipe is thought to have

Option<string> model = new("--model") { Description = "full (Taiyi's sizes) or mini (taiyi-mini's)", DefaultValueFactory = _ => "full" };
Option<string?> peer = new("--peer") { Description = "Folder with the reference's graphs (see README.md); ours alone if absent" };
Option<string> dtype = new("--dtype") { Description = "float32 or bfloat16", DefaultValueFactory = _ => "float32" };
Option<int> rounds = new("--rounds") { Description = "Counted rounds of each pair", DefaultValueFactory = _ => 3 };
Option<string[]> only = new("--only") { Description = "text, unet, guided, decode, encode, tiles: these networks only", AllowMultipleArgumentsPerToken = true };
Option<int> steps = new("--steps") { Description = "Denoising steps, or steps of pretraining", DefaultValueFactory = _ => 20 };
Option<int?> size = new("--size") { Description = "Side of the picture in pixels; the model's own if absent" };
Option<bool?> checkpointing = new("--checkpointing") { Description = "true or false: gradient checkpointing; both if absent" };

BenchmarkModel Model(ParseResult parsed) => parsed.GetValue(model) switch
{
    "full" => BenchmarkModel.FullSize,
    "mini" => BenchmarkModel.Mini,
    var other => throw new ArgumentException($"--model is '{other}': choose full or mini."),
};
BenchmarkModel Sized(ParseResult parsed) => parsed.GetValue(size) is { } pixels ? Model(parsed).WithImageSize(pixels) : Model(parsed);
ScalarType DType(ParseResult parsed) => Enum.Parse<ScalarType>(parsed.GetValue(dtype)!, ignoreCase: true);

Command networks = new("networks", "One call of each network") { model, peer, dtype, rounds, only, size };
networks.SetAction(parsed => new NetworkBenchmark(Sized(parsed), parsed.GetValue(peer), DType(parsed), parsed.GetValue(rounds)).Run(parsed.GetValue(only) ?? []));

Command load = new("load", "A UNet's file ready in memory, against reading its bytes") { model, rounds };
load.SetAction(parsed => new LoadBenchmark(Model(parsed), parsed.GetValue(rounds)).Run());

Command generate = new("generate", "A whole picture with guidance") { model, peer, dtype, rounds, steps };
generate.SetAction(parsed =>
{
    using GenerationBenchmark benchmark = new(Model(parsed), parsed.GetValue(peer), DType(parsed), parsed.GetValue(rounds), parsed.GetValue(steps));
    benchmark.Run();
});

Command train = new("train", "One LoRA training step of batch 1") { model, peer, dtype, rounds, checkpointing };
train.SetAction(parsed => new TrainingBenchmark(Model(parsed), parsed.GetValue(peer), DType(parsed), parsed.GetValue(rounds)).Run(parsed.GetValue(checkpointing)));

Command pretrain = new("pretrain", "Steps of pretraining taiyi-mini") { dtype, steps };
pretrain.SetAction(parsed => new PretrainingBenchmark(DType(parsed), parsed.GetValue(steps)).Run());

Command scaling = new("scaling", "How time grows with pictures, steps and data, on taiyi-mini") { rounds };
scaling.SetAction(parsed => new ScalingBenchmark(parsed.GetValue(rounds)).Run());

Option<string> art = new("--art") { Description = "Folder of the drawings", DefaultValueFactory = _ => "data/art" };
Option<int> labels = new("--labels") { Description = "Labels that are drawn for every way", DefaultValueFactory = _ => 100 };
Option<string?> lora = new("--lora") { Description = "An LCM-LoRA of taiyi-mini (taiyi distill); without one its rows are left out" };
Option<int> batchSize = new("--batch-size") { Description = "Pictures drawn at once", DefaultValueFactory = _ => 10 };
Option<string[]> ways = new("--only") { Description = "Parts of the names of the ways that are measured, such as LCM; all if absent", AllowMultipleArgumentsPerToken = true };
Command quality = new("quality", "Fidelity and distance to 200 steps against CPU time, for each way to fewer steps, on taiyi-mini") { art, labels, lora, batchSize, ways };
quality.SetAction(parsed => new QualityBenchmark(parsed.GetValue(art)!, parsed.GetValue(labels), parsed.GetValue(lora), parsed.GetValue(batchSize), parsed.GetValue(ways) ?? []).Run());

Command memory = new("memory", "Peak memory of the process of one picture, networks at once and when needed") { model, dtype, steps };
memory.SetAction(parsed => new MemoryBenchmark(Model(parsed), DType(parsed), parsed.GetValue(steps)).Run());

Argument<string[]> figures = new("FOLDER LOADING DTYPE STEPS") { Arity = new ArgumentArity(4, 4) };
Command picture = new("picture", "One picture, for memory: a process of its own") { figures };
picture.Hidden = true;
picture.SetAction(parsed =>
{
    string[] given = parsed.GetRequiredValue(figures);
    MemoryBenchmark.DrawPicture(given[0], Enum.Parse<NetworkLoading>(given[1]), Enum.Parse<ScalarType>(given[2]), int.Parse(given[3], CultureInfo.InvariantCulture));
});

return new RootCommand("Times this library beside the reference's own graphs, in one process") { networks, load, generate, train, pretrain, scaling, quality, memory, picture }.Parse(args).Invoke();

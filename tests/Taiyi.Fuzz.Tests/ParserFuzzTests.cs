using System.Globalization;
using System.IO.Compression;
using Taiyi.Data;
using Taiyi.Files;
using Taiyi.Kernel.Jupyter;
using Taiyi.Kernel.Notebooks;
using Taiyi.Lora;
using Taiyi.Models;
using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Fuzz.Tests;

/// <summary>
/// Whatever a stranger's file holds, its parser reads it or says in its own exception what is wrong. Each folder of Corpus/ has whole
/// files for the parser of its name; every run changes one of them at random, from a seed that counts up from a fixed one.
/// </summary>
/// <remarks>
/// TAIYI_FUZZ_RUNS=100000 runs longer, TAIYI_FUZZ_SEED begins elsewhere. A failure names its seed and holds the file's bytes.
/// </remarks>
public sealed class ParserFuzzTests(ITestOutputHelper output) : IDisposable
{
    private const int UsualRuns = 400;

    private static readonly string Corpus = Path.Combine(AppContext.BaseDirectory, "Corpus");

    private static readonly Dictionary<string, Action<string, byte[]>> Parsers = new()
    {
        ["weights"] = (folder, bytes) => ReadWeights(Write(folder, "model.safetensors", bytes)),
        ["pickle"] = (folder, bytes) => ReadWeights(Archive(folder, bytes)),
        ["lora"] = (folder, bytes) => LoraFile.Read(Write(folder, LoraFile.DefaultFileName, bytes)).Dispose(),
        ["shards"] = ReadShards,
        ["jsonl"] = (folder, bytes) => Inspect(folder, "metadata.jsonl", bytes),
        ["csv"] = (folder, bytes) => Inspect(folder, "metadata.csv", bytes),
        ["captions_json"] = (folder, bytes) => Inspect(folder, "captions.json", bytes),
        ["caption"] = (folder, bytes) => Inspect(folder, "a.txt", bytes),
        ["notebook"] = (folder, bytes) => ReadNotebook(Write(folder, "a.ipynb", bytes)),
        ["connection"] = (folder, bytes) => ConnectionFile.Read(Write(folder, "kernel.json", bytes)),
        ["scheduler"] = (folder, bytes) => SchedulerConfig.FromFile(Write(folder, "scheduler_config.json", bytes)),
        ["vocabulary"] = ReadVocabulary,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-fuzz-").FullName;

    public static TheoryData<string> Names => [.. Directory.GetDirectories(Corpus).Select(folder => Path.GetFileName(folder))];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_file_of_the_corpus_is_read(string parser)
    {
        foreach (string file in Directory.GetFiles(Path.Combine(Corpus, parser)))
        {
            using var scope = NewDisposeScope();
            Exception? fault = Record.Exception(() => Parsers[parser](_folder, File.ReadAllBytes(file)));
            Assert.True(fault is null, $"{file}: {fault}"); // else the runs below would only try refusals
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_changed_file_is_read_or_refused_in_a_sentence(string parser)
    {
        byte[][] corpus = [.. Directory.GetFiles(Path.Combine(Corpus, parser)).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];
        Mutator mutator = new(corpus);
        int runs = Setting("TAIYI_FUZZ_RUNS", UsualRuns), first = Setting("TAIYI_FUZZ_SEED", 1), refused = 0;
        for (int seed = first; seed < first + runs; seed++)
        {
            byte[] bytes = mutator.Next(seed);
            try
            {
                using var scope = NewDisposeScope();
                Parsers[parser](_folder, bytes);
            }
            catch (Exception fault) when (fault is TaiyiException or NotebookException or JupyterException)
            {
                Assert.False(string.IsNullOrWhiteSpace(fault.Message));
                refused++;
            }
            catch (Exception fault)
            {
                Assert.Fail($"{parser}, seed {seed}: {fault}\n{Convert.ToBase64String(bytes)}");
            }
        }

        output.WriteLine($"{parser}: {runs} files from seed {first}, {refused} refused, {runs - refused} read");
    }

    [Theory] // each came out as an exception of the framework once
    [InlineData("connection", """{"key": "a", "key": "b"}""", "key")]
    [InlineData("notebook", """{"cells": [], "cells": [], "nbformat": 4}""", "cells")]
    [InlineData("notebook", """{"cells": [{"cell_type": "code", "source": ["a", 3]}], "nbformat": 4}""", "in cell 1 a source that is no text")]
    [InlineData("scheduler", """{"_class_name": "PNDMScheduler", "x": ["\ud83e"]}""", "half a character")]
    [InlineData("scheduler", """{"_class_name": "PNDMScheduler", "\ud83e": 1}""", "half a character")]
    public void A_file_that_is_refused_is_refused_for_its_true_cause(string parser, string text, string expected)
    {
        Exception? fault = Record.Exception(() => Parsers[parser](_folder, System.Text.Encoding.UTF8.GetBytes(text)));

        Assert.True(fault is TaiyiException or NotebookException or JupyterException, $"{fault}");
        Assert.Contains(expected, fault.Message);
    }

    [Fact]
    public void Odd_values_beside_the_text_of_a_notebook_count_as_absent()
    {
        NotebookDocument notebook = NotebookDocument.Parse(
            """{"cells": [{"cell_type": "code", "id": 7, "source": "1", "execution_count": 1.5, "metadata": 3, "outputs": {}}], "metadata": [], "nbformat": 4, "nbformat_minor": 5}""");

        NotebookCell cell = Assert.Single(notebook.Cells);
        Assert.Equal(("1", "", null, null), (cell.Source, cell.Id, cell.ExecutionCount, cell.KernelName));
        Assert.Empty(cell.Tags);
        Assert.Empty(cell.Outputs);
        Assert.Null(notebook.Language);
    }

    private static int Setting(string name, int usual) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : usual;

    private static string Write(string folder, string name, byte[] bytes)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    // A pickle as torch.save packs it, with storages of 64 bytes.
    private static string Archive(string folder, byte[] pickle)
    {
        string path = Path.Combine(folder, "model.bin");
        using ZipArchive archive = new(File.Create(path), ZipArchiveMode.Create);
        foreach ((string name, byte[] bytes) in (ReadOnlySpan<(string, byte[])>)[("data.pkl", pickle), ("data/0", new byte[64]), ("data/1", new byte[64]), ("data/2", new byte[64])])
        {
            using Stream entry = archive.CreateEntry("archive/" + name, CompressionLevel.NoCompression).Open();
            entry.Write(bytes);
        }

        return path;
    }

    private static void ReadWeights(string path)
    {
        using IStateDictFile file = StateDictFile.Open(path);
        foreach (string name in file.Tensors.Keys)
        {
            using Tensor tensor = file.Read(name);
            Assert.Equal(file.Tensors[name].Shape, tensor.shape);
        }
    }

    // The index stands where a model folder has it; the parts are whole.
    private static void ReadShards(string folder, byte[] bytes)
    {
        using Tensor two = ones(2);
        SafetensorsFile.Write(Path.Combine(folder, "model-00001-of-00002.safetensors"), [new("a.weight", two)]);
        SafetensorsFile.Write(Path.Combine(folder, "model-00002-of-00002.safetensors"), [new("b", two)]);
        ReadWeights(Write(folder, "model.safetensors.index.json", bytes));
    }

    private static void Inspect(string folder, string name, byte[] bytes)
    {
        string data = Path.Combine(folder, "data");
        Directory.CreateDirectory(Path.Combine(data, "sub"));
        foreach (string picture in (ReadOnlySpan<string>)["a.png", "sub/b.png", "c.png"])
        {
            File.WriteAllBytes(Path.Combine(data, picture), []);
        }

        Write(data, name, bytes);
        DatasetReport report = Text2ImageDataset.Inspect(data);
        Assert.All(report.Entries, entry => Assert.NotEqual("", entry.Caption));
        Assert.NotEqual("", report.ToString());
    }

    private static void ReadNotebook(string path)
    {
        NotebookDocument notebook = NotebookDocument.Read(path);
        foreach (NotebookCell cell in notebook.Cells.Where(cell => cell.IsCode))
        {
            Assert.NotNull(cell.Source);
            Assert.NotNull(cell.Tags);
            Assert.NotNull(cell.Outputs);
            _ = (cell.KernelName, cell.ExecutionCount);
        }

        Assert.NotEqual("", notebook.ToJson());
        _ = notebook.Language;
    }

    private static void ReadVocabulary(string folder, byte[] bytes)
    {
        Write(folder, "vocab.txt", bytes);
        BertTokenizer tokenizer = BertTokenizer.FromFolder(folder);
        Assert.NotEmpty(tokenizer.Encode("一只狮子 lions").Ids);
    }
}

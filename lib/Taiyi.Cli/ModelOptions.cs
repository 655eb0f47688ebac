using System.CommandLine;
using System.Globalization;
using static TorchSharp.torch;

namespace Taiyi.Cli;

/// <summary>The options of every verb that runs a model: where it is, what it computes with.</summary>
internal sealed class ModelOptions
{
    public Option<string?> Model { get; } = new("--model", "-m")
    {
        Description = "Model folder (a Hugging Face snapshot) or single .ckpt; taiyi-mini if absent",
        HelpName = "DIR",
    };

    public Option<string?> DType { get; } = new Option<string?>("--dtype")
    {
        Description = "What the weights are kept in: float32, bfloat16 or float16; the fastest that the device computes natively if absent",
        HelpName = "TYPE",
    }.AcceptOnly("float32", "bfloat16", "float16");

    public Option<string> DeviceName { get; } = new("--device")
    {
        Description = "cpu, cuda, cuda:1, mps",
        HelpName = "D",
        DefaultValueFactory = _ => "cpu",
    };

    public Option<int?> Threads { get; } = new("--threads")
    {
        Description = "CPU threads; all cores if absent",
        HelpName = "N",
    };

    public void AddTo(Command command)
    {
        command.Add(Model);
        command.Add(DType);
        command.Add(DeviceName);
        command.Add(Threads);
    }

    /// <summary>Path of the model that is meant.</summary>
    public string ModelPath(ParseResult parsed) => parsed.GetValue(Model) ?? DefaultModel.Find();

    /// <summary>Loads the model as the options say.</summary>
    public StableDiffusionPipeline Load(ParseResult parsed, NetworkLoading loading = NetworkLoading.Automatic)
    {
        ApplyThreads(parsed);
        return StableDiffusionPipeline.FromPretrained(ModelPath(parsed), ParseDevice(parsed.GetValue(DeviceName)!), ParseDType(parsed.GetValue(DType)), loading);
    }

    public void ApplyThreads(ParseResult parsed)
    {
        if (parsed.GetValue(Threads) is { } threads)
        {
            if (threads < 1)
            {
                throw new ArgumentException($"--threads is {threads}; it must be 1 or more.");
            }

            set_num_threads(threads);
        }
    }

    /// <summary>The dtype of that name, or null for null.</summary>
    public static ScalarType? ParseDType(string? name) => name switch
    {
        null => null,
        "float32" => ScalarType.Float32,
        "bfloat16" => ScalarType.BFloat16,
        "float16" => ScalarType.Float16,
        _ => throw new ArgumentException($"--dtype is {name}; it must be float32, bfloat16 or float16."),
    };

    /// <summary>The device of that name, if it can be used here.</summary>
    public static Device ParseDevice(string name)
    {
        // Words are told apart here: asked for a device that it cannot use, the library throws with its native stack.
        string[] parts = name.Trim().ToLowerInvariant().Split(':');
        int index = 0;
        if (parts.Length > 2 || (parts.Length == 2 && !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out index)))
        {
            throw Unknown(name);
        }

        return (parts[0], index) switch
        {
            ("cpu", 0) => CPU,
            ("cuda", _) when !cuda.is_available() => throw new ArgumentException(
                $"--device is {name}, but no CUDA device can be used here: build with -p:TorchDevice=cuda (see environment.md), or use cpu."),
            ("cuda", _) when index >= cuda.device_count() => throw new ArgumentException(
                $"--device is {name}, but there are {cuda.device_count()} CUDA devices here, numbered from 0."),
            ("cuda", _) => device(TorchSharp.DeviceType.CUDA, index),
            ("mps", 0) when !mps_is_available() => throw new ArgumentException(
                $"--device is {name}, but Apple's Metal cannot be used here: use cpu."),
            ("mps", 0) => device(TorchSharp.DeviceType.MPS),
            _ => throw Unknown(name),
        };
    }

    private static ArgumentException Unknown(string name) => new($"--device is {name}; it must be cpu, cuda, cuda:INDEX or mps.");
}

/// <summary>Restricts an option to some words, and says which in an error and in completion.</summary>
internal static class OptionWords
{
    public static Option<string?> AcceptOnly(this Option<string?> option, params string[] words)
    {
        option.AcceptOnlyFromAmong(words);
        return option;
    }
}

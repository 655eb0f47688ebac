using System.CommandLine;
using Spectre.Console;
using Taiyi.Lora;
using Taiyi.Snapshots;

namespace Taiyi.Cli;

/// <summary><c>taiyi lora</c>: look into a LoRA file, write it for another tool, merge it into a model.</summary>
internal static class LoraCommands
{
    private static readonly Dictionary<string, LoraFormat> Formats = new()
    {
        ["diffusers"] = LoraFormat.Diffusers,
        ["old-diffusers"] = LoraFormat.OldDiffusers,
        ["peft"] = LoraFormat.Peft,
        ["kohya"] = LoraFormat.Kohya,
    };

    public static Command Create() => new("lora", "Look into LoRA files, convert them, merge them into a model") { Info(), Convert(), Merge() };

    private static Argument<string> FileArgument() => new("FILE")
    {
        Description = "A LoRA of any known format, or the folder that holds it",
    };

    private static Option<string?> LayoutOption() => new("--model", "-m")
    {
        Description = "Model folder whose UNet is meant by block numbers such as input_blocks.1.1; Stable Diffusion 1's if absent",
        HelpName = "DIR",
    };

    private static LoraFile Read(string file, string? model) => LoraFile.Read(file, model is null ? null : ModelFolder.Open(model).UNetConfig);

    private static Command Info()
    {
        Argument<string> file = FileArgument();
        Option<string?> model = LayoutOption();
        Command command = new("info", "Print format, rank, alpha, targets and keys that Taiyi cannot use") { file, model };
        command.SetBody((parsed, _) =>
        {
            using LoraFile lora = Read(parsed.GetValue(file)!, parsed.GetValue(model));
            AnsiConsole.MarkupLineInterpolated($"[bold]{Path.GetFileName(lora.Path)}[/]");
            AnsiConsole.Write(Summary(lora));
            AnsiConsole.Write(Modules(lora));
            PrintNotes(lora.UnmatchedKeys, lora.Warnings);
            return CommandRunner.Success;
        });
        return command;
    }

    private static Command Convert()
    {
        Argument<string> file = FileArgument();
        Option<string> format = new Option<string>("--format") { Description = $"Whose names the tensors get: {string.Join(", ", Formats.Keys)}", HelpName = "NAME", Required = true }
            .AcceptOnlyFromAmong([.. Formats.Keys]);
        Option<string> output = new("--output", "-o") { Description = "A new .safetensors file, or a folder", HelpName = "PATH", Required = true };
        Option<string?> model = LayoutOption();
        Command command = new("convert", "Write the same matrices, bit by bit, in another format") { file, format, output, model };
        command.SetBody((parsed, _) =>
        {
            string path = parsed.GetValue(output)!;
            LoraFormat target = Formats[parsed.GetValue(format)!];
            foreach (string written in LoraFile.NamesAt(path, target))
            {
                OutputPath.RequireNew(written);
            }

            using LoraFile lora = Read(parsed.GetValue(file)!, parsed.GetValue(model));
            Console.WriteLine(LoraFile.Write(path, lora, target));
            PrintNotes(lora.UnmatchedKeys, lora.Warnings);
            return CommandRunner.Success;
        });
        return command;
    }

    private static Command Merge()
    {
        Option<string?> model = new("--model", "-m") { Description = "Model folder (a Hugging Face snapshot); taiyi-mini if absent", HelpName = "DIR" };
        Option<string[]> loras = new("--lora") { Description = "A LoRA file and its strength (1 if absent); may be given several times", HelpName = "FILE[:WEIGHT]", Required = true };
        Option<string> output = new("--output", "-o") { Description = "A new folder for the merged model", HelpName = "DIR", Required = true };
        Command command = new("merge", "Write a model folder with LoRAs added into the UNet's weights") { model, loras, output };
        command.SetBody((parsed, cancellationToken) =>
        {
            LoraReference[] references = [.. parsed.GetValue(loras)!.Select(LoraReference.Parse)];
            MergeNotes notes = MergedModel.Write(
                parsed.GetValue(model) ?? DefaultModel.Find(), references, parsed.GetValue(output)!, cancellationToken);
            Console.WriteLine(parsed.GetValue(output));
            PrintNotes(notes.UnmatchedKeys, notes.Warnings);
            return CommandRunner.Success;
        });
        return command;
    }

    private static Grid Summary(LoraFile lora)
    {
        long parameters = lora.Modules.Values.Sum(m => m.Down.numel() + m.Up.numel());
        return new Grid().AddColumns(2)
            .AddRow("format", Formats.First(format => format.Value == lora.Format).Key)
            .AddRow("parameters", $"{parameters / 1e6:0.000} M, {string.Join(", ", lora.Modules.Values.Select(m => m.Down.dtype).Distinct())}")
            .AddRow("rank, alpha", $"{lora.Config.Rank}, {lora.Config.Alpha}: scale {lora.Config.Alpha / lora.Config.Rank:0.###}")
            .AddRow("dropout", $"{lora.Config.Dropout}")
            .AddRow("size", $"{new FileInfo(lora.Path).Length / 1e6:0.00} MB");
    }

    /// <summary>A row for each kind of module, such as every <c>attn2.to_k</c> of one size.</summary>
    private static Table Modules(LoraFile lora)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumns("modules", "kind", "count", "kernel", "in", "out", "rank", "alpha");
        foreach (TableColumn column in table.Columns.Skip(1))
        {
            column.RightAligned();
        }

        foreach (var kind in lora.Modules.CountBy(m => (Name: KindOf(m.Key), m.Value.Kind, Kernel: string.Join(" × ", m.Value.Down.shape.Skip(2)), In: m.Value.Down.shape[1], Out: m.Value.Up.shape[0], m.Value.Rank, m.Value.Alpha)))
        {
            var (name, update, kernel, inFeatures, outFeatures, rank, alpha) = kind.Key;
            table.AddRow(name, update, $"{kind.Value}", kernel, $"{inFeatures}", $"{outFeatures}", $"{rank}", $"{alpha:0.###}");
        }

        return table;
    }

    // What follows the numbered blocks: "down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_k" is an "attn2.to_k".
    private static string KindOf(string path)
    {
        string[] parts = path.Split('.');
        int block = Array.FindLastIndex(parts, part => part is "transformer_blocks" or "attentions" or "resnets");
        return block >= 0 && block + 2 < parts.Length ? string.Join('.', parts[(block + 2)..]) : path;
    }

    private static void PrintNotes(IReadOnlyList<string> keys, IReadOnlyList<string> warnings)
    {
        CommandRunner.Warn(warnings);

        if (keys.Count > 0)
        {
            CommandRunner.Error.MarkupLineInterpolated($"[yellow]{keys.Count} keys are not used, since they fit nothing in Taiyi's UNet:[/]");
            foreach (string key in keys)
            {
                CommandRunner.Error.WriteLine("  " + key);
            }
        }
    }
}

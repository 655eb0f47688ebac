using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;
using Taiyi.Models;
using Taiyi.Snapshots;

namespace Taiyi.Cli;

/// <summary><c>taiyi tokenize</c>: how the model reads a text.</summary>
internal static class TokenizeCommand
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create()
    {
        Argument<string> text = new("TEXT") { Description = "Any text, such as 一只狮子" };
        ModelOptions model = new();
        Option<bool> json = new("--json") { Description = "Print {\"ids\":[…],\"tokens\":[…]}" };
        Command command = new("tokenize", "Print the token ids of a text, without padding") { text, model.Model, json };
        command.SetBody((parsed, _) =>
        {
            TokenizedPrompt prompt = ModelFolder.Open(model.ModelPath(parsed)).LoadTokenizer().Encode(parsed.GetValue(text)!);
            CommandRunner.Warn(prompt.Losses("text"));

            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(new { ids = prompt.Ids, tokens = prompt.Tokens }, Readable));
                return CommandRunner.Success;
            }

            Table table = new Table().Border(TableBorder.Simple).AddColumns("id", "token");
            foreach ((long id, string token) in prompt.Ids.Zip(prompt.Tokens))
            {
                table.AddRow($"{id}", Markup.Escape(token));
            }

            AnsiConsole.Write(table);
            return CommandRunner.Success;
        });
        return command;
    }
}

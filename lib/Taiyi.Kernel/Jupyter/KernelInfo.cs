using System.Text.Json.Nodes;

namespace Taiyi.Kernel.Jupyter;

/// <summary>What the kernel says about itself and its language.</summary>
internal static class KernelInfo
{
    /// <summary>The content of a kernel_info_reply.</summary>
    public static JsonObject Reply()
    {
        string version = typeof(KernelInfo).Assembly.GetName().Version!.ToString(3);
        return new JsonObject
        {
            ["status"] = "ok",
            ["protocol_version"] = JupyterMessage.ProtocolVersion,
            ["implementation"] = "Taiyi",
            ["implementation_version"] = version,
            ["language_info"] = new JsonObject
            {
                ["name"] = "C#",
                ["version"] = "14.0",
                ["mimetype"] = "text/x-csharp",
                ["file_extension"] = ".cs",
                ["pygments_lexer"] = "csharp",
                ["codemirror_mode"] = "text/x-csharp",
            },
            ["banner"] = $"Taiyi {version}: C# on .NET {Environment.Version}",
            ["debugger"] = false,
            ["help_links"] = new JsonArray(),
        };
    }
}

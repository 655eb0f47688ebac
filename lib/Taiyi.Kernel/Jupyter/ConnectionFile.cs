using System.Text.Json;
using System.Text.Json.Nodes;

namespace Taiyi.Kernel.Jupyter;

/// <summary>
/// The addresses and the key that a Jupyter client hands to the kernel it starts
/// (<see href="https://jupyter-client.readthedocs.io/en/stable/kernels.html#connection-files">jupyter_client, Connection files</see>).
/// </summary>
public sealed record ConnectionFile
{
    /// <summary>The address to bind to, for instance <c>127.0.0.1</c>.</summary>
    public required string Ip { get; init; }

    /// <summary>Port of the shell channel: requests to execute, complete, inspect.</summary>
    public required int ShellPort { get; init; }

    /// <summary>Port of the control channel: interrupt and shutdown, answered while a cell runs.</summary>
    public required int ControlPort { get; init; }

    /// <summary>Port of the IOPub channel: everything a cell prints and shows.</summary>
    public required int IOPubPort { get; init; }

    /// <summary>Port of the stdin channel: the kernel asks the user for a line.</summary>
    public required int StdinPort { get; init; }

    /// <summary>Port of the heartbeat: echoes what it receives.</summary>
    public required int HeartbeatPort { get; init; }

    /// <summary>The secret behind every signature; empty means that messages are not signed.</summary>
    public string Key { get; init; } = "";

    // A JsonObject fails at its first use if a name stands in it twice.
    private static readonly JsonDocumentOptions NoDuplicates = new() { AllowDuplicateProperties = false };

    /// <summary>Reads a connection file.</summary>
    /// <exception cref="JupyterException">The file is missing, is not JSON, lacks a port or asks for what this kernel does not speak.</exception>
    public static ConnectionFile Read(string path)
    {
        try
        {
            return Parse(path, JsonNode.Parse(File.ReadAllText(path), documentOptions: NoDuplicates) as JsonObject ?? throw new JsonException("it is not a JSON object"));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException or FormatException)
        {
            throw new JupyterException($"The connection file '{path}' cannot be read: {error.Message}. A Jupyter client writes it and passes its path.", error);
        }
    }

    private static ConnectionFile Parse(string path, JsonObject json)
    {
        Require(path, json, "transport", "tcp");
        Require(path, json, "signature_scheme", "hmac-sha256");
        return new ConnectionFile
        {
            Ip = (string?)json["ip"] ?? "127.0.0.1",
            ShellPort = Port(path, json, "shell_port"),
            ControlPort = Port(path, json, "control_port"),
            IOPubPort = Port(path, json, "iopub_port"),
            StdinPort = Port(path, json, "stdin_port"),
            HeartbeatPort = Port(path, json, "hb_port"),
            Key = (string?)json["key"] ?? "",
        };
    }

    private static void Require(string path, JsonObject json, string field, string supported)
    {
        string value = (string?)json[field] ?? supported;
        if (value != supported)
        {
            throw new JupyterException($"The connection file '{path}' has {field} '{value}'; this kernel speaks '{supported}' only: set it in the client's configuration.");
        }
    }

    private static int Port(string path, JsonObject json, string field) => (int?)json[field] is { } port and > 0 and <= 65535
        ? port
        : throw new JupyterException($"The connection file '{path}' has {field} '{json[field]}'; a port from 1 to 65535 is needed: let the client write a new file.");
}

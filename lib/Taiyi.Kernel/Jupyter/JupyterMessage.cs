using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Taiyi.Kernel.Jupyter;

/// <summary>One message of the protocol, as received or to be sent.</summary>
/// <remarks>
/// On the wire: identities…, <c>&lt;IDS|MSG&gt;</c>, signature, header, parent header, metadata, content, buffers….
/// The header stays the bytes it came in: every answer repeats it as its parent header, from any thread.
/// </remarks>
internal sealed class JupyterMessage
{
    /// <summary>The version of the messaging protocol that this kernel speaks.</summary>
    public const string ProtocolVersion = "5.4";

    private static readonly byte[] Delimiter = "<IDS|MSG>"u8.ToArray();
    private static readonly byte[] EmptyObject = "{}"u8.ToArray();

    // Text beyond ASCII stays readable and short; the bytes never go into a page.
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The way back to the client (ROUTER identities), or the topic on IOPub.</summary>
    public required IReadOnlyList<byte[]> Identities { get; init; }

    /// <summary>For instance <c>execute_request</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The session of whoever wrote the message.</summary>
    public required string Session { get; init; }

    /// <summary>The header as JSON in UTF-8.</summary>
    public required byte[] Header { get; init; }

    /// <summary>The header of the message that this one answers, or an empty object.</summary>
    public required byte[] ParentHeader { get; init; }

    /// <summary>What the message says; its keys depend on <see cref="Type"/>.</summary>
    public required JsonObject Content { get; init; }

    /// <summary>A new message of this kernel.</summary>
    /// <param name="session">The kernel's session.</param>
    /// <param name="type">The message type.</param>
    /// <param name="identities">Where it goes.</param>
    /// <param name="parent">What it answers, or null where nothing was asked.</param>
    /// <param name="content">What it says.</param>
    public static JupyterMessage Create(string session, string type, IReadOnlyList<byte[]> identities, JupyterMessage? parent, JsonObject content)
    {
        var header = new JsonObject
        {
            ["msg_id"] = Guid.NewGuid().ToString("N"),
            ["session"] = session,
            ["username"] = "kernel",
            ["date"] = DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
            ["msg_type"] = type,
            ["version"] = ProtocolVersion,
        };
        return new JupyterMessage
        {
            Identities = identities,
            Type = type,
            Session = session,
            Header = Serialize(header),
            ParentHeader = parent?.Header ?? EmptyObject,
            Content = content,
        };
    }

    /// <summary>The frames of the message, signed.</summary>
    public IEnumerable<byte[]> ToFrames(MessageSigner signer)
    {
        byte[] content = Serialize(Content);
        byte[] signature = signer.Sign(Header, ParentHeader, EmptyObject, content);
        return [.. Identities, Delimiter, signature, Header, ParentHeader, EmptyObject, content];
    }

    /// <summary>Reads a message; false where frames are missing, the signature is wrong or a part is not the JSON it must be.</summary>
    public static bool TryParse(IReadOnlyList<byte[]> frames, MessageSigner signer, [NotNullWhen(true)] out JupyterMessage? message)
    {
        message = null;
        int delimiter = IndexOfDelimiter(frames);
        if (delimiter < 0 || frames.Count < delimiter + 6)
        {
            return false;
        }

        byte[] header = frames[delimiter + 2], parent = frames[delimiter + 3], metadata = frames[delimiter + 4], content = frames[delimiter + 5];
        if (!signer.Verify(frames[delimiter + 1], header, parent, metadata, content))
        {
            return false;
        }

        try
        {
            message = Read([.. frames.Take(delimiter)], header, parent, content);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or ArgumentException)
        {
            // Not JSON, a value of another type, a key that stands twice.
        }

        return message != null;
    }

    private static JupyterMessage? Read(byte[][] identities, byte[] header, byte[] parent, byte[] content)
    {
        if (JsonNode.Parse(header) is not JsonObject fields || JsonNode.Parse(content) is not JsonObject body
            || (string?)fields["msg_type"] is not { } type || (string?)fields["msg_id"] is null)
        {
            return null;
        }

        return new JupyterMessage
        {
            Identities = identities,
            Type = type,
            Session = (string?)fields["session"] ?? "",
            Header = header,
            ParentHeader = parent,
            Content = body,
        };
    }

    private static int IndexOfDelimiter(IReadOnlyList<byte[]> frames)
    {
        for (int i = 0; i < frames.Count; i++)
        {
            if (frames[i].AsSpan().SequenceEqual(Delimiter))
            {
                return i;
            }
        }

        return -1;
    }

    private static byte[] Serialize(JsonObject json) => JsonSerializer.SerializeToUtf8Bytes(json, Json);
}

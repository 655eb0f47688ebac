using Taiyi.Kernel.Jupyter;

namespace Taiyi.Kernel.Tests.Jupyter;

public sealed class ConnectionFileTests : IDisposable
{
    // As jupyter_client 7.4 writes it.
    private const string Written = """
        {
          "shell_port": 41653, "iopub_port": 50519, "stdin_port": 36151, "control_port": 59367, "hb_port": 51069,
          "ip": "127.0.0.1", "key": "e1a1a1c4-3c1ea3b8dc0e5f1d1b4c8a0b", "transport": "tcp",
          "signature_scheme": "hmac-sha256", "kernel_name": ".net-csharp"
        }
        """;

    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Every_port_and_the_key_are_read()
    {
        File.WriteAllText(_file, Written);
        ConnectionFile connection = ConnectionFile.Read(_file);

        Assert.Equal(
            (41653, 50519, 36151, 59367, 51069),
            (connection.ShellPort, connection.IOPubPort, connection.StdinPort, connection.ControlPort, connection.HeartbeatPort));
        Assert.Equal(("127.0.0.1", "e1a1a1c4-3c1ea3b8dc0e5f1d1b4c8a0b"), (connection.Ip, connection.Key));
    }

    [Theory]
    [InlineData("\"tcp\"", "\"ipc\"", "transport 'ipc'")]
    [InlineData("hmac-sha256", "hmac-md5", "signature_scheme 'hmac-md5'")]
    [InlineData("41653", "0", "shell_port '0'")]
    [InlineData("50519", "\"many\"", "cannot be read")]
    [InlineData("\"hb_port\": 51069", "\"hb\": 51069", "hb_port")]
    [InlineData("{", "[", "cannot be read")]
    public void What_this_kernel_cannot_serve_is_refused_by_name(string written, string other, string expected)
    {
        File.WriteAllText(_file, Written.Replace(written, other));

        Assert.Contains(expected, Assert.Throws<JupyterException>(() => ConnectionFile.Read(_file)).Message);
    }
}

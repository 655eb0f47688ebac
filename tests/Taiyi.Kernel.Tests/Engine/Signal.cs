namespace Taiyi.Kernel.Tests.Engine;

/// <summary>An event that test and cell both reach: a cell runs in this process, and finds it by its name.</summary>
internal sealed class Signal : IDisposable
{
    private readonly string _name = $"signal {Guid.NewGuid():N}";
    private readonly ManualResetEventSlim _given = new();

    public Signal() => AppContext.SetData(_name, _given);

    /// <summary>Code of a cell that waits for the event, and fails after a minute.</summary>
    public string Wait => $"if (!{Found}.Wait(TimeSpan.FromMinutes(1))) throw new TimeoutException(\"no signal within a minute\");";

    /// <summary>Code of a cell that gives the event.</summary>
    public string Set => $"{Found}.Set();";

    private string Found => $"((System.Threading.ManualResetEventSlim)AppContext.GetData(\"{_name}\"))";

    public void Give() => _given.Set();

    public void Dispose() => AppContext.SetData(_name, null);
}

using TorchSharp;

namespace Taiyi;

/// <summary>One network of a pipeline: in memory for good, or read when it is needed and let go when another one needs the memory.</summary>
/// <typeparam name="T">The network.</typeparam>
internal sealed class NetworkSlot<T> : INetworkSlot
    where T : torch.nn.Module
{
    private readonly Func<T>? _load;
    private readonly Action? _makeRoom;
    private T? _network;
    private int _holds;

    /// <summary>A network that is there and stays.</summary>
    public NetworkSlot(T network) => _network = network;

    /// <summary>A network that is read when it is needed.</summary>
    /// <param name="load">Reads it.</param>
    /// <param name="makeRoom">Called before: lets go of the others.</param>
    public NetworkSlot(Func<T> load, Action makeRoom) => (_load, _makeRoom) = (load, makeRoom);

    public bool IsLoaded => _network is not null;

    /// <summary>The network, for a call that ends before another network is asked for.</summary>
    public T Use()
    {
        if (_network is null)
        {
            _makeRoom!();
            _network = _load!();
        }

        return _network;
    }

    /// <summary>The network, to stay until the pipeline is disposed: someone holds or has changed it.</summary>
    public T Keep()
    {
        _holds++;
        return Use();
    }

    torch.nn.Module INetworkSlot.Use() => Use();

    /// <summary>Keeps the network until the returned scope is disposed.</summary>
    public IDisposable Hold()
    {
        _holds++;
        return new Scope(() => _holds--);
    }

    public void LetGo()
    {
        if (_load is not null && _holds == 0)
        {
            _network?.Dispose();
            _network = null;
        }
    }

    public void Dispose() => _network?.Dispose();

    private sealed class Scope(Action end) : IDisposable
    {
        private Action? _end = end;

        public void Dispose() => Interlocked.Exchange(ref _end, null)?.Invoke();
    }
}

/// <summary>What the networks of a pipeline have in common, whatever they compute.</summary>
internal interface INetworkSlot : IDisposable
{
    /// <summary>Whether the network is in memory.</summary>
    bool IsLoaded { get; }

    /// <summary>The network, for a use that ends before another network is asked for.</summary>
    torch.nn.Module Use();

    /// <summary>Frees the network if it can be read again and no one holds it.</summary>
    void LetGo();
}

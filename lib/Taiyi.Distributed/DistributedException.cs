using Taiyi.Files;

namespace Taiyi.Distributed;

/// <summary>Processes that cannot work together; the message says why and what to do.</summary>
public sealed class DistributedException : TaiyiException
{
    /// <summary>Makes the error.</summary>
    public DistributedException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

namespace Taiyi.Training;

/// <summary>A training that cannot go on; the message says where it stands and what to do.</summary>
public sealed class TrainingException : Exception
{
    /// <summary>Makes the error.</summary>
    public TrainingException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

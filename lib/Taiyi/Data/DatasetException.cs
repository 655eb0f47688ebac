using Taiyi.Files;

namespace Taiyi.Data;

/// <summary>A data folder that can't be used as it is: the message says what is wrong with which file and what to do.</summary>
public sealed class DatasetException : TaiyiException
{
    /// <summary>Makes the error of a malformed or missing file.</summary>
    public DatasetException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <summary>Makes the error of a folder whose pictures and captions don't pair one to one.</summary>
    public DatasetException(DatasetReport report)
        : base(report.ToString()) => Report = report;

    /// <summary>What was found, if pictures and captions don't pair one to one.</summary>
    public DatasetReport? Report { get; }
}

using Taiyi.Files;


namespace Taiyi.Training;

/// <summary>A training that cannot go on; the message says where it stands and what to do.</summary>
public sealed class TrainingException : TaiyiException
{
    /// <summary>Makes the error.</summary>
    public TrainingException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <summary>A loss or gradient that is not finite: where, what is kept, what to change.</summary>
    /// <param name="what">Its name at the beginning of a sentence.</param>
    /// <param name="value">What it is.</param>
    /// <param name="step">Number of the step, 1 for the first.</param>
    /// <param name="files">The pictures of the step; none where they have no names.</param>
    /// <param name="run">Where the last good checkpoint may be.</param>
    /// <param name="options">Of the training.</param>
    internal static TrainingException NotFinite(string what, double value, long step, IReadOnlyList<string> files, RunFolder run, TrainingOptions options)
    {
        string kept = run.LatestCheckpoint is { } last ? $"The checkpoint '{last}' is good: --resume goes on from it." : "No checkpoint was written yet.";
        string precision = options.DType == "Float32" ? "" : $", or float32 in place of {options.DType}";
        (string batch, string look) = files.Count == 0 ? ("", "") : ($", batch {string.Join(", ", files)}", "; if it is always these files, look at them");
        return new TrainingException(
            FormattableString.Invariant($"{what} is {value} in step {step}{batch}. {kept} Use a smaller learning rate than {options.LearningRate:g3}{precision}{look}."));
    }
}

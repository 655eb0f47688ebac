namespace Taiyi;

/// <summary>When a pipeline's networks are in memory. It changes no picture.</summary>
public enum NetworkLoading
{
    /// <summary><see cref="WhenNeeded"/> where memory is short for all networks at once (on the CPU), else <see cref="AtOnce"/>.</summary>
    Automatic,

    /// <summary>All from the beginning until the pipeline is disposed.</summary>
    AtOnce,

    /// <summary>
    /// Each is read from the model's files when it is needed, and let go when another one is read: the text encoder before the UNet runs, the
    /// UNet before the picture is decoded. Every picture costs the reading. A network that a program has taken from the pipeline, or that has
    /// a LoRA or a taught word, stays.
    /// </summary>
    WhenNeeded,
}

namespace Taiyi.Kernel.Engine;

/// <summary>The stages of a cell, in their order. A fault in any of them is an error of the cell, never a silence.</summary>
internal enum CellStage
{
    /// <summary>The text is taken apart into languages and commands.</summary>
    Parse,

    /// <summary>Its references are resolved, packages restored.</summary>
    Refer,

    /// <summary>Extensions of its packages are loaded.</summary>
    Extend,

    /// <summary>The code is compiled and loaded.</summary>
    Compile,

    /// <summary>It is handed to completion.</summary>
    Remember,

    /// <summary>It runs.</summary>
    Run,

    /// <summary>Its value is formatted.</summary>
    Format,

    /// <summary>An output goes to whoever listens.</summary>
    Deliver,

    /// <summary>An exception is described.</summary>
    Describe,
}

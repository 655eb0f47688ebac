namespace Taiyi.Kernel.Engine;

/// <summary>What is known of the symbol under the cursor.</summary>
/// <param name="Signature">Its declaration, with a count of overloads.</param>
/// <param name="Documentation">Its XML documentation as text; empty when there is none beside the assembly.</param>
public sealed record Inspection(string Signature, string Documentation);

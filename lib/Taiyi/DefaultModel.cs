namespace Taiyi;

/// <summary>Finds the model that is used where none is named: taiyi-mini, which ships with the repository.</summary>
public static class DefaultModel
{
    /// <summary>The environment variable that names another model folder.</summary>
    public const string Variable = "TAIYI_MODEL";

    private static readonly string Relative = Path.Combine("data", "models", "taiyi-mini");

    /// <summary>
    /// The folder that <see cref="Variable"/> names, or <c>data/models/taiyi-mini</c> in the current folder, a folder above
    /// it, or one above this library.
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">There is none.</exception>
    public static string Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            return named;
        }

        foreach (string start in (string[])[Environment.CurrentDirectory, AppContext.BaseDirectory, Path.GetDirectoryName(typeof(DefaultModel).Assembly.Location) ?? "."])
        {
            for (DirectoryInfo? folder = new(start); folder != null; folder = folder.Parent)
            {
                string candidate = Path.Combine(folder.FullName, Relative);
                if (Directory.Exists(candidate))
                {
                    return candidate;
                }
            }
        }

        throw new DirectoryNotFoundException(
            $"No {Relative} in {Environment.CurrentDirectory} or above: run inside the repository, name a model folder, or set {Variable} to one.");
    }
}

using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Taiyi.Kernel.Engine;

/// <summary>Resolves packages by a <c>dotnet restore</c> of a generated project; the answer is kept, so a second time needs no restore.</summary>
internal static class PackageRestore
{
    // A floating version may have a newer answer tomorrow; a fixed one has not.
    private static readonly TimeSpan FloatingLifetime = TimeSpan.FromDays(1);

    private static string CacheFolder => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "taiyi", "notebook-packages");

    /// <summary>Restores packages with their dependencies for this framework and platform.</summary>
    /// <param name="packages">Name to version or range.</param>
    /// <param name="sources">Feeds beyond the configured ones.</param>
    /// <param name="workingDirectory">The folder whose NuGet.config applies.</param>
    /// <param name="cancellationToken">Ends the restore.</param>
    /// <exception cref="CellException">The restore failed; the message carries what NuGet said.</exception>
    public static IReadOnlyList<ResolvedPackage> Run(
        IReadOnlyDictionary<string, string> packages, IReadOnlyList<string> sources, string workingDirectory, CancellationToken cancellationToken)
    {
        string project = Project(packages, sources);
        string folder = Path.Combine(CacheFolder, Hash(project + workingDirectory));
        Directory.CreateDirectory(folder);
        using FileStream claim = Claim(Path.Combine(folder, "lock"), cancellationToken);
        string assetsFile = Path.Combine(folder, "obj", "project.assets.json");
        // NuGet writes its answer even when a package is missing: only this file says that the answer is whole.
        string succeeded = Path.Combine(folder, "succeeded");
        if (IsFresh(succeeded, packages) && ReadAssets(assetsFile) is { } known)
        {
            return known;
        }

        File.Delete(succeeded);
        string projectFile = Path.Combine(folder, "Notebook.csproj");
        File.WriteAllText(projectFile, project);
        // Settings of a repository around the cache folder must not reach in.
        File.WriteAllText(Path.Combine(folder, "Directory.Build.props"), "<Project />");
        File.WriteAllText(Path.Combine(folder, "Directory.Build.targets"), "<Project />");
        File.WriteAllText(Path.Combine(folder, "Directory.Packages.props"), "<Project />");
        Restore(projectFile, workingDirectory, cancellationToken);
        List<ResolvedPackage> resolved = ReadAssets(assetsFile)
            ?? throw new CellException($"#r \"nuget: …\": the restore names files that are not there; delete '{folder}' and run the cell again.");
        File.WriteAllText(succeeded, "");
        return resolved;
    }

    // Two notebooks that begin at once with the same packages: the second waits for the answer of the first.
    private static FileStream Claim(string path, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path))
            {
                Thread.Sleep(100);
            }
        }
    }

    private static string Project(IReadOnlyDictionary<string, string> packages, IReadOnlyList<string> sources)
    {
        StringBuilder text = new();
        text.AppendLine("<Project Sdk=\"Microsoft.NET.Sdk\">");
        text.AppendLine("  <PropertyGroup>");
        text.AppendLine($"    <TargetFramework>net{Environment.Version.Major}.0</TargetFramework>");
        text.AppendLine($"    <RuntimeIdentifier>{RuntimeInformation.RuntimeIdentifier}</RuntimeIdentifier>");
        text.AppendLine("    <SelfContained>false</SelfContained>");
        text.AppendLine("    <UseAppHost>false</UseAppHost>");
        text.AppendLine("    <NuGetAudit>false</NuGetAudit>");
        text.AppendLine($"    <RestoreAdditionalProjectSources>{SecurityElement.Escape(string.Join(';', sources))}</RestoreAdditionalProjectSources>");
        text.AppendLine("  </PropertyGroup>");
        text.AppendLine("  <ItemGroup>");
        foreach ((string name, string version) in packages)
        {
            text.AppendLine($"    <PackageReference Include=\"{SecurityElement.Escape(name)}\" Version=\"{SecurityElement.Escape(version)}\" />");
        }

        text.AppendLine("  </ItemGroup>");
        text.AppendLine("</Project>");
        return text.ToString();
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..24];

    private static bool IsFresh(string succeeded, IReadOnlyDictionary<string, string> packages) =>
        File.Exists(succeeded)
        && (!packages.Values.Any(version => version.Contains('*')) || DateTime.UtcNow - File.GetLastWriteTimeUtc(succeeded) < FloatingLifetime);

    private static void Restore(string projectFile, string workingDirectory, CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            ArgumentList = { "restore", projectFile, "-nologo", "-v:quiet", "-tl:off", $"-p:RestoreRootConfigDirectory={workingDirectory}" },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetDirectoryName(projectFile)!,
        };
        // A host started by MSBuild or `dotnet test` hands down settings of its own build.
        start.Environment.Remove("MSBuildSDKsPath");
        start.Environment.Remove("MSBUILD_EXE_PATH");
        using Process process = StartProcess(start);
        using CancellationTokenRegistration kill = cancellationToken.Register(() => process.Kill(entireProcessTree: true));
        Task<string> errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        cancellationToken.ThrowIfCancellationRequested();
        if (process.ExitCode != 0)
        {
            throw new CellException($"#r \"nuget: …\": {Reason(output + errors.Result, projectFile)}");
        }
    }

    private static Process StartProcess(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new CellException($"#r \"nuget: …\" needs the .NET SDK to restore packages, and '{start.FileName}' did not start ({exception.Message}).");
        }
    }

    private static string Reason(string output, string projectFile)
    {
        IEnumerable<string> errors = output.Split('\n')
            .Select(line => line.Replace(projectFile + " : ", "", StringComparison.Ordinal).Trim())
            .Where(line => line.Contains("error", StringComparison.OrdinalIgnoreCase))
            .Distinct();
        string reason = string.Join(Environment.NewLine, errors);
        return reason.Length > 0 ? reason : output.Trim();
    }

    // The answer of NuGet: which files of which package serve this framework and platform. Null when one has been deleted since.
    private static List<ResolvedPackage>? ReadAssets(string assetsFile)
    {
        JsonNode assets = JsonNode.Parse(File.ReadAllText(assetsFile))!;
        string[] roots = [.. assets["packageFolders"]!.AsObject().Select(folder => folder.Key)];
        KeyValuePair<string, JsonNode?> target = assets["targets"]!.AsObject().First(target => target.Key.Contains('/'));
        List<ResolvedPackage> packages = [];
        foreach ((string key, JsonNode? files) in target.Value!.AsObject())
        {
            if ((string?)files!["type"] != "package")
            {
                continue;
            }

            string relative = (string)assets["libraries"]![key]!["path"]!;
            if (roots.Select(root => Path.Combine(root, relative)).FirstOrDefault(Directory.Exists) is not { } folder)
            {
                return null;
            }

            string[] name = key.Split('/');
            packages.Add(new ResolvedPackage(name[0], name[1], folder, Files(files, "compile", folder), Files(files, "runtime", folder), Files(files, "native", folder)));
        }

        return packages;
    }

    private static List<string> Files(JsonNode package, string kind, string folder) =>
        package[kind] is not JsonObject files
            ? []
            : [.. files.Select(file => file.Key).Where(file => !file.EndsWith("_._", StringComparison.Ordinal)).Select(file => Path.GetFullPath(file, folder))];
}

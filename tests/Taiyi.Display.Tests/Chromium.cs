using System.Diagnostics;

namespace Taiyi.Display.Tests;

/// <summary>A real browser without a network and without a window.</summary>
internal static class Chromium
{
    private static readonly string? Executable = new[] { "chromium", "chromium-browser", "google-chrome" }
        .SelectMany(name => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, name)))
        .FirstOrDefault(File.Exists);

    /// <summary>Skips the test where there is no browser; in CI that is a failure.</summary>
    public static void Require()
    {
        if (Executable is null && Environment.GetEnvironmentVariable("CI") is not ("true" or "1"))
        {
            Assert.Skip("No chromium on the PATH: install the package chromium to run this test.");
        }

        Assert.True(Executable != null, "CI has to install chromium.");
    }

    /// <summary>Opens a page, lets its scripts run and returns the markup that is then in the page.</summary>
    public static string Open(string html) => Run(html, "--dump-dom");

    /// <summary>Opens a page and writes what is seen as a PNG file.</summary>
    public static void Screenshot(string html, string path, int width, int height) => Run(html, $"--screenshot={path}", $"--window-size={width},{height}");

    private static string Run(string html, params string[] wanted)
    {
        string folder = Directory.CreateTempSubdirectory("taiyi-chromium-").FullName;
        try
        {
            string page = Path.Combine(folder, "page.html");
            File.WriteAllText(page, html);
            string[] arguments =
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND", "--hide-scrollbars", "--virtual-time-budget=15000", $"--user-data-dir={Path.Combine(folder, "profile")}",
                .. wanted, new Uri(page).AbsoluteUri,
            ];
            using Process browser = Process.Start(new ProcessStartInfo(Executable!, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            browser.ErrorDataReceived += (_, _) => { };
            browser.BeginErrorReadLine();
            string output = browser.StandardOutput.ReadToEnd();
            browser.WaitForExit();
            return output;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}

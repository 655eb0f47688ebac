namespace Taiyi.Display.Formatting;

/// <summary>
/// The cell that runs now: shows a value in it, with a handle that renews it in place, and tells when it is stopped. In .NET Interactive through the context of the
/// running command, in this project's kernel through its function display. Both are found by name.
/// </summary>
/// <remarks>
/// Since June 2025 the handle that .NET Interactive's own <c>display(x)</c> gives has another identifier than what it has shown, so
/// its Update does nothing.
/// </remarks>
internal static class HostDisplay
{
    private const string Interactive = "Microsoft.DotNet.Interactive";

    /// <summary>Shows the value; the result renews it.</summary>
    /// <exception cref="InvalidOperationException">No cell of a notebook runs.</exception>
    public static Action<object> Show(object value)
    {
        object handle = ShowInInteractive(value) ?? ShowInTaiyi(value)
            ?? throw new InvalidOperationException("No notebook cell runs here that could show this: call PushTo with a function of your own.");
        return handle.GetType().GetMethod("Update", [typeof(object)])!.CreateDelegate<Action<object>>(handle);
    }

    /// <summary>The token that .NET Interactive cancels when the running cell is stopped; none in other hosts.</summary>
    public static CancellationToken CancellationToken =>
        CurrentContext() is { } context && context.GetType().GetProperty("CancellationToken")?.GetValue(context) is CancellationToken token ? token : default;

    private static object? CurrentContext() => Find(Interactive, Interactive + ".KernelInvocationContext")?.GetProperty("Current")?.GetValue(null);

    private static object? ShowInInteractive(object value) => CurrentContext() is { } context
        ? context.GetType().Assembly.GetType(Interactive + ".KernelInvocationContextExtensions")?
            .GetMethod("Display", [context.GetType(), typeof(object), typeof(string[])])?
            .Invoke(null, [context, value, Array.Empty<string>()])
        : null;

    private static object? ShowInTaiyi(object value) =>
        Find("Taiyi.Kernel", Interactive + ".Kernel")?.GetMethod("display", [typeof(object), typeof(string[])])?.Invoke(null, [value, Array.Empty<string>()]);

    private static Type? Find(string assembly, string type) =>
        AppDomain.CurrentDomain.GetAssemblies().Where(loaded => loaded.GetName().Name == assembly).Select(loaded => loaded.GetType(type)).FirstOrDefault(found => found is not null);
}

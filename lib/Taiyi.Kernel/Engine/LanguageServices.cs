using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Completion;
using Microsoft.CodeAnalysis.QuickInfo;

namespace Taiyi.Kernel.Engine;

/// <summary>Completion and documentation in a cell, by the same services that editors use.</summary>
/// <param name="workspace">The cells so far.</param>
internal sealed class LanguageServices(ScriptWorkspace workspace)
{
    /// <summary>What may stand at a position.</summary>
    public Task<Completions> CompleteAsync(string code, int position, CancellationToken cancellationToken) =>
        workspace.AskAsync(code, document => CompleteAsync(document, code, position, cancellationToken), cancellationToken);

    /// <summary>What is known of the symbol at a position; null where there is none.</summary>
    public Task<Inspection?> InspectAsync(string code, int position, CancellationToken cancellationToken) =>
        workspace.AskAsync(code, document => InspectAsync(document, position, cancellationToken), cancellationToken);

    private static async Task<Completions> CompleteAsync(Document document, string code, int position, CancellationToken cancellationToken)
    {
        CompletionService service = CompletionService.GetService(document)!;
        CompletionList list = await service.GetCompletionsAsync(document, position, cancellationToken: cancellationToken);
        if (list.ItemsList.Count == 0)
        {
            return new Completions(position, position, []);
        }

        string typed = code[list.Span.Start..position];
        IEnumerable<CompletionItem> matching = list.ItemsList
            .Where(item => item.FilterText.StartsWith(typed, StringComparison.OrdinalIgnoreCase))
            .OrderBy(item => !item.FilterText.StartsWith(typed, StringComparison.Ordinal));
        CompletionEntry[] entries = [.. matching.Select(Entry).DistinctBy(entry => entry.Text)];
        return new Completions(list.Span.Start, list.Span.End, entries);
    }

    private static async Task<Inspection?> InspectAsync(Document document, int position, CancellationToken cancellationToken)
    {
        QuickInfoItem? info = await QuickInfoService.GetService(document)!.GetQuickInfoAsync(document, position, cancellationToken);
        if (info is null)
        {
            return null;
        }

        string[] documentation = [.. info.Sections.Where(section => section.Kind is not QuickInfoSectionKinds.Description).Select(section => section.Text.Trim()).Where(text => text.Length > 0)];
        string signature = info.Sections.FirstOrDefault(section => section.Kind is QuickInfoSectionKinds.Description)?.Text.Trim() ?? "";
        return new Inspection(signature, string.Join("\n\n", documentation));
    }

    private static CompletionEntry Entry(CompletionItem item) =>
        new(item.Properties.GetValueOrDefault("InsertionText") ?? item.DisplayText, item.Tags.FirstOrDefault() ?? "Text");
}

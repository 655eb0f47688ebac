using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Tests.Engine;

public sealed class DisplayTests : IDisposable
{
    private readonly Session _session = new();

    public void Dispose() => _session.Dispose();

    [Fact]
    public async Task Values_are_shown_in_their_preferred_types_or_in_those_asked_for()
    {
        await _session.ValueOfAsync("display(new[] { 1, 2 });\nnew[] { 1, 2 }.Display(\"text/plain\");\n\"# title\".DisplayAs(\"text/markdown\");\n\"<i>x</i>\".DisplayAs(\"text/html\");");
        Assert.Equal(
            ["text/html,text/plain", "text/plain", "text/markdown", "text/html"],
            _session.Displays.Select(display => string.Join(',', display.Data.Values.Keys)));
        Assert.Equal("# title", _session.Displays.ElementAt(2).Data.Values["text/markdown"]);
    }

    [Fact]
    public async Task A_displayed_value_is_updated_under_its_own_identifier()
    {
        await _session.ValueOfAsync("var shown = display(\"start\");\nshown.Update(\"middle\");");
        await _session.ValueOfAsync("await Task.Run(() => shown.Update(\"end\"));\nshown.Value");
        DisplayOutput update = Assert.Single(_session.Displays);
        Assert.True(update.IsUpdate);
        Assert.Equal("end", update.Data.PlainText);
        Assert.Equal("end", _session.Result);
        Assert.Equal(update.DisplayId, await _session.ValueOfAsync("shown.DisplayId"));
    }

    [Theory]
    [InlineData("var shown = 1.Display();")]
    [InlineData("object value = 1;\nvar shown = value.Display(\"text/plain\");")]
    [InlineData("string text = \"1\";\nvar shown = text.Display();")]
    [InlineData("var shown = Microsoft.DotNet.Interactive.Kernel.display(1);")]
    public async Task Every_handle_updates_the_output_that_it_was_given_for(string show)
    {
        await _session.ValueOfAsync(show);
        string first = Assert.Single(_session.Displays).DisplayId;
        await _session.ValueOfAsync("shown.Update(2);");
        DisplayOutput update = Assert.Single(_session.Displays);
        Assert.Equal((first, true, "2"), (update.DisplayId, update.IsUpdate, update.Data.PlainText));
    }

    [Fact]
    public async Task Display_as_the_last_expression_shows_its_value_once()
    {
        await _session.ValueOfAsync("display(3)");
        Assert.IsType<DisplayOutput>(Assert.Single(_session.Outputs));
    }

    [Fact]
    public async Task HTML_is_shown_as_HTML_and_not_stored_twice()
    {
        await _session.ValueOfAsync("HTML(\"<b>太乙</b>\")");
        MimeBundle data = Assert.Single(_session.Outputs.OfType<ResultOutput>()).Data;
        Assert.Equal("<b>太乙</b>", data.Values["text/html"]);
        Assert.Equal("HTML of 9 characters", data.PlainText);
    }

    [Fact]
    public async Task A_type_of_a_cell_brings_its_own_formatter()
    {
        await _session.ValueOfAsync("using Microsoft.DotNet.Interactive.Formatting;\nclass Star { public int Size = 3; }\nFormatter.Register<Star>(star => $\"<b>{star.Size}</b>\", \"text/html\");");
        await _session.ValueOfAsync("new Star()");
        Assert.Equal("<b>3</b>", Assert.Single(_session.Outputs.OfType<ResultOutput>()).Data.Values["text/html"]);
    }

    [Fact]
    public async Task A_formatter_found_by_name_works_without_a_package()
    {
        await _session.ValueOfAsync(
            """
            class TypeFormatterSourceAttribute(Type source) : Attribute
            {
                public Type FormatterSourceType { get; } = source;
                public string[] PreferredMimeTypes { get; set; }
            }
            public class MoonFormatters
            {
                public IEnumerable<object> CreateTypeFormatters() { yield return new MoonFormatter(); }
            }
            public class MoonFormatter
            {
                public string MimeType => "text/html";
                public bool Format(object value, System.IO.TextWriter writer) { writer.Write("<b>moon</b>"); return true; }
            }
            [TypeFormatterSource(typeof(MoonFormatters), PreferredMimeTypes = new[] { "text/html" })]
            public class Moon { }
            """);
        await _session.ValueOfAsync("new Moon()");
        Assert.Equal("<b>moon</b>", Assert.Single(_session.Outputs.OfType<ResultOutput>()).Data.Values["text/html"]);
    }

    [Fact]
    public async Task A_value_whose_text_form_throws_is_an_error_of_the_cell()
    {
        await _session.RunAsync("class Broken { public override string ToString() => throw new InvalidOperationException(\"no text\"); }\ndisplay(new Broken(), \"text/plain\");\nnew List<int>(-1)", TestContext.Current.CancellationToken);
        Assert.NotNull(_session.Error);
        Assert.Equal("2", await _session.ValueOfAsync("1 + 1"));
    }

    [Fact]
    public async Task Clearing_is_passed_on_between_the_outputs()
    {
        await _session.ValueOfAsync("Console.Write(\"a\");\nClearOutput(true);\nConsole.Write(\"b\");");
        Assert.Equal([new StreamOutput("stdout", "a"), new ClearOutput(true), new StreamOutput("stdout", "b")], _session.Outputs);
    }

    [Fact]
    public void JSON_types_become_JSON_in_messages_and_broken_JSON_stays_text()
    {
        MimeBundle bundle = new(new Dictionary<string, string> { ["application/json"] = "{\"a\":[1]}", ["application/vnd.x+json"] = "{broken", ["text/plain"] = "1" });
        Assert.Equal("{\"application/json\":{\"a\":[1]},\"application/vnd.x\\u002Bjson\":\"{broken\",\"text/plain\":\"1\"}", bundle.ToJson().ToJsonString());
    }
}

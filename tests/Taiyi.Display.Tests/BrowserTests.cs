using System.Text.RegularExpressions;
using Taiyi.Data;

namespace Taiyi.Display.Tests;

/// <summary>What a browser without a network really draws.</summary>
[Collection("one page")] // plotly.js is embedded once a process
public sealed class BrowserTests
{
    // Tells for each picture whether the browser could decode it, in the markup that is read back.
    private const string Decoded = "<script>addEventListener('load',()=>document.querySelectorAll('img').forEach(i=>i.dataset.decoded=i.naturalWidth+'x'+i.naturalHeight))</script>";

    [Fact]
    public void Every_chart_and_picture_of_an_exported_page_is_drawn_offline()
    {
        Chromium.Require();
        string page = Gallery.Page().Replace("</body>", Decoded + "</body>", StringComparison.Ordinal);
        string dom = Chromium.Open(page);

        Assert.Equal(Gallery.Charts, Count(dom, "data-drawn=\"1\"><div style=\"display: none;\">"));
        Assert.Equal(Gallery.Lines, Count(dom, "class=\"js-line\"") - Count(dom, "class=\"legendlines\"><path class=\"js-line\""));
        Assert.Equal(Gallery.Markers, Count(dom, "<path class=\"point\" transform=\"translate"));
        Assert.Equal(Gallery.Bars, Count(dom, "<g class=\"point\"><path"));
        Assert.Equal(Count(page, "<img "), Count(dom, "data-decoded=\"[1-9][0-9]*x[1-9][0-9]*\""));
        Assert.Equal(1, Count(dom, "<input type=\"range\"[^>]*max=\"5\""));
    }

    [Fact]
    public void Charts_in_one_page_before_and_after_plotly_are_all_drawn()
    {
        Chromium.Require();
        Notebook.NewPage();
        string start = Notebook.Begin().ToHtml();
        string chart = new ChartView(Charts.Lines([("a", new double[] { 1, 2, 3 })])).ToHtml();
        string other = new ChartView(Charts.Bars(["x", "y"], [1, 2])).ToHtml();

        string dom = Chromium.Open($"<!DOCTYPE html><meta charset=\"utf-8\"/>{chart}{start}{other}{chart}");

        Assert.Equal(3, Count(dom, "data-drawn=\"1\"><div style=\"display: none;\">"));
    }

    [Fact]
    public void A_loader_of_modules_in_the_page_does_not_swallow_plotly()
    {
        Chromium.Require();
        Notebook.NewPage();
        string chart = new ChartView(Charts.Lines([("a", new double[] { 1, 2, 3 })])).ToHtml();

        string dom = Chromium.Open($"<!DOCTYPE html><script>window.define=function(){{throw 'taken'}};define.amd=true</script>{chart}");

        Assert.Equal(1, Count(dom, "class=\"js-line\""));
    }

    [Fact]
    public void The_slider_shows_one_frame_and_the_button_plays_to_the_last()
    {
        Chromium.Require();
        string animation = Images.Animate(Enumerable.Range(0, 12).Select(k => ImageConversion.FromBytes(1, 1, [(byte)k, 0, 0])), framesPerSecond: 20).ToHtml();
        const string shown = "[...document.querySelectorAll('figure')].filter(f=>f.style.display!='none').map(f=>f.dataset.frame).join()";
        const string use = "<script>function tell(name){document.body.dataset[name]=" + shown + "}" +
            "addEventListener('load',()=>setTimeout(()=>{tell('first');const s=document.querySelector('input');s.value=7;s.oninput();tell('slid');" +
            "document.querySelector('button').click();const wait=setInterval(()=>{if(" + shown + "=='11'){tell('played');clearInterval(wait)}},50)},300))</script>";

        // A busy machine may use up the browser's time budget before the page has played: it is opened anew then.
        string dom = "";
        for (int attempt = 0; attempt < 4 && !dom.Contains("data-played", StringComparison.Ordinal); attempt++)
        {
            dom = Chromium.Open($"<!DOCTYPE html><meta charset=\"utf-8\"/><body>{animation}{use}</body>");
        }

        Assert.Contains("data-first=\"0\" data-slid=\"7\" data-played=\"11\"", dom, StringComparison.Ordinal);
    }

    private static int Count(string text, string pattern) => Regex.Count(text, pattern);
}

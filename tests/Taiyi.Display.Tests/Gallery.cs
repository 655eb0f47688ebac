using Plotly.NET;
using Plotly.NET.CSharp;
using Taiyi.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Chart = Plotly.NET.CSharp.Chart;

namespace Taiyi.Display.Tests;

/// <summary>One page with every view of the library, as an exported notebook would hold them.</summary>
internal static class Gallery
{
    public const int Charts = 8;

    /// <summary>The points of all scatter traces that are shown as markers: six, and forty-one of the noise levels.</summary>
    public const int Markers = 6 + 41;

    /// <summary>Line traces: three schedules, two losses, one with markers, one in each of two panels.</summary>
    public const int Lines = 3 + 2 + 1 + 2;

    /// <summary>Four schedulers, and the bins of the histogram.</summary>
    public const int Bars = 4 + 30;

    /// <summary>The page; with dark it has the colours of a dark front end, without scripts it is what GitHub leaves.</summary>
    public static string Page(bool dark = false, bool scripts = true)
    {
        Notebook.NewPage();
        string body = string.Concat(Views().Select(view => $"<section style=\"margin:14px 0\">{view.ToHtml()}</section>"));
        if (!scripts)
        {
            body = System.Text.RegularExpressions.Regex.Replace(body, "<script>.*?</script>", "", System.Text.RegularExpressions.RegexOptions.Singleline);
        }

        string colors = dark ? "background:#111;color:#e0e0e0;color-scheme:dark" : "background:#fff;color:#222";
        return $"<!DOCTYPE html><html lang=\"zh\"><head><meta charset=\"utf-8\"/><title>gallery</title></head><body style=\"{colors};font-family:sans-serif;margin:20px\">{body}</body></html>";
    }

    private static IEnumerable<View> Views()
    {
        using var scope = NewDisposeScope();
        Tensor picture = Samples.Ramp(32, 32);
        Tensor noise = Seeded.Randn(7, 3, 32, 32);
        string[] levels = ["0", "0.2", "0.4", "0.6", "0.8", "1"];
        Tensor[] noised = [.. Enumerable.Range(0, 6).Select(k => (Math.Sqrt(1 - (k / 5.0)) * picture) + (Math.Sqrt(k / 5.0) * noise))];
        Tensor places = arange(16).to(float32);
        Tensor hill = exp(-((places.unsqueeze(0) - 5).pow(2) + (places.unsqueeze(1) - 10).pow(2)) / 12); // (16, 16)
        return
        [
            Images.Show(picture, "一只戴帽子的猫 <a cat & a hat>"),
            Images.Strip(noised, levels.Select(level => $"noise {level}")),
            Images.Grid([noised[..4], noised[2..]], ["表情包 emoji", "海报 poster"], ["w = 1", "w = 3", "w = 5", "w = 7"]),
            Images.BeforeAfter(noised[3], picture, ("带噪声", "去噪后")),
            Images.Animate(noised, levels.Select(level => $"噪声 {level}")),
            new Row(Images.HeatMap(hill, "注意力 attention"), Images.Difference(picture, noised[1]), Images.Overlay(picture, hill, "猫 over the picture")),
            Images.Channels(Seeded.Randn(8, 4, 16, 16)),
            .. ChartViews(noise),
            new TensorView(noise, "noise"),
            new UNetDiagram(Snapshots.TaiyiConfigs.UNet, "../lib/Taiyi", sampleSize: 64),
            new Fold("折叠 folded away", Table.Of([new { Option = "rank", Value = 8 }])),
            new ModuleSummary(Sequential(("lin1", Linear(16, 32)), ("act", ReLU()), ("block", Sequential(Linear(32, 32), Linear(32, 4))))),
            Table.Of([new { Token = "猫", Id = 4344, Share = 0.25 }, new { Token = "帽子 <b>", Id = 2368, Share = 1.0 / 3 }], "tokens"),
            Check.All(Check.That("alpha-bar falls from 1 to 0", true), Check.Equal("the mean of x_T", 0.0, 0.25, 0.1, "have you drawn the noise from a normal distribution?")),
            Training(noised),
        ];
    }

    private static IEnumerable<View> ChartViews(Tensor noise)
    {
        double[] t = [.. Enumerable.Range(0, 100).Select(k => k / 99.0)];
        double[] loss = [.. t.Select((place, k) => (0.9 * Math.Exp(-4 * place)) + 0.1 + (0.05 * Math.Sin(k * 1.7)))];
        GenericChart first = Chart.Line<double, double, string>(t, t.Select(place => place * place), Name: "左");
        GenericChart second = Chart.Line<double, double, string>(t, t.Select(Math.Sqrt), Name: "右");
        return new[]
        {
            Taiyi.Display.Charts.Lines(
                [("linear", t.Select(place => 1 - place)), ("余弦 cosine", t.Select(place => Math.Pow(Math.Cos(place * Math.PI / 2), 2))), ("scaled", t.Select(place => Math.Exp(-5 * place)))],
                "ᾱ(t) of three schedules", "t / T", "ᾱ", t),
            Taiyi.Display.Charts.Loss(loss, title: "Loss 损失", logY: true),
            Taiyi.Display.Charts.Lines([("sigma", Enumerable.Range(0, 41).Select(k => Math.Pow(10, (k / 10.0) - 2)))], "σ on a logarithmic axis", "step", "σ", logY: true, markers: true),
            Taiyi.Display.Charts.Bars(["PNDM", "DDIM", "Euler", "DPM++"], [3.2, 2.1, 2.6, 1.4], "distance to the 200-step result", "RMSE"),
            Taiyi.Display.Charts.Histogram(noise, 30, "ε ~ N(0, 1)", "value"),
            Taiyi.Display.Charts.HeatMap(noise[0].narrow(0, 0, 4).narrow(1, 0, 6), "cross-attention", ["一", "只", "猫", "咪"], ["a", "b", "c", "d", "e", "f"]),
            Chart.Point<double, double, string>([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5]),
            Chart.Grid([first, second], 1, 2).WithSize(760, 300),
        }.Select(chart => new ChartView(chart));
    }

    private static LiveTraining Training(Tensor[] samples)
    {
        LiveTraining live = new("表情包 LoRA");
        for (int step = 1; step <= 60; step++)
        {
            double loss = (0.2 * Math.Exp(-step / 25.0)) + (0.02 * Math.Abs(Math.Sin(step * 2.3)));
            live.Report(new TrainingProgress(step, 100, Epoch: 0, loss, 1e-4 * Math.Min(1, step / 10.0), GradNorm: 1, Seconds: 0.42, MemoryBytes: 0, LiveTensors: 0));
        }

        live.AddSample("step 20 · 一只猫", samples[4]);
        live.AddSample("step 60 · 一只猫", samples[1]);
        return live;
    }
}

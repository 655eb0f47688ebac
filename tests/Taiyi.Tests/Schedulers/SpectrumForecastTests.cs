using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Tests.Schedulers;

/// <summary>Which calls Spectrum leaves out and what it says of them, beside the rules of stable-diffusion.cpp and arithmetic by hand.</summary>
[NoTensorLeak]
public sealed class SpectrumForecastTests
{
    // src/spectrum.hpp followed by hand: after four calls every second one, and with each computed one the window grows by a half; the last tenth whole.
    [Theory]
    [InlineData(30, new[] { 0, 1, 2, 3, 5, 7, 10, 13, 17, 21, 26, 27, 28, 29 })]
    [InlineData(20, new[] { 0, 1, 2, 3, 5, 7, 10, 13, 17, 18, 19 })]
    [InlineData(50, new[] { 0, 1, 2, 3, 5, 7, 10, 13, 17, 21, 26, 31, 37, 43, 45, 46, 47, 48, 49 })]
    [InlineData(5, new[] { 0, 1, 2, 3, 4 })]
    public void The_calls_of_the_reference_are_computed(int calls, int[] expected)
    {
        Assert.Equal(expected, Computed(new SpectrumOptions(), calls, _ => 0).Select(call => call.Index));
    }

    [Fact]
    public void A_cubic_polynomial_is_forecast_where_only_the_fit_counts()
    {
        static double Cubic(int call) => 2 - 0.3 * call + 0.01 * call * call - 0.0007 * call * call * call;
        SpectrumOptions options = new() { ChebyshevShare = 1, Regularization = 1e-12 };

        Assert.All(Forecast(options, 30, Cubic), call => Assert.Equal(Cubic(call.Index), call.Value, 1e-3));
    }

    [Fact]
    public void What_no_longer_changes_is_forecast_to_stay()
    {
        Assert.All(Forecast(new SpectrumOptions(), 30, _ => 3), call => Assert.Equal(3, call.Value, 1e-5));
    }

    // Two calls at places -1 and -0.96 (steps of 2/50) said 0 and 1, one polynomial: the slope of the ridge is 0.04 / (0.04² + 1), half a step in a straight line is 0.5.
    [Theory]
    [InlineData(1, 1 + 0.0016 / 1.0016)]
    [InlineData(0, 1.5)]
    [InlineData(0.4, 0.4 * (1 + 0.0016 / 1.0016) + 0.6 * 1.5)]
    public void The_fit_and_the_straight_line_are_blended(double share, double expected)
    {
        SpectrumOptions options = new() { Degree = 1, ChebyshevShare = share, Warmup = 2 };

        Assert.Equal(expected, Forecast(options, 50, call => call).First().Value, 1e-6);
    }

    [Fact]
    public void After_a_restart_two_calls_are_computed_before_the_next_forecast()
    {
        using var scope = NewDisposeScope();
        using SpectrumForecast spectrum = new(new SpectrumOptions(), 30);
        for (int call = 0; call < 4; call++)
        {
            spectrum.Add(zeros(1));
        }

        Assert.True(spectrum.IsDue);
        spectrum.Restart();
        Assert.False(spectrum.IsDue);
        Assert.Contains("two computed calls", Assert.Throws<InvalidOperationException>(spectrum.Predict).Message);
    }

    [Fact]
    public void An_option_out_of_range_is_named_with_its_range()
    {
        Assert.Contains("window of the forecast is 0.5; it must be 1", Assert.Throws<ArgumentException>(() => new SpectrumForecast(new SpectrumOptions { Window = 0.5 }, 30)).Message);
        Assert.Contains("regularization", Assert.Throws<ArgumentException>(new SpectrumOptions { Regularization = 0 }.Validate).Message);
    }

    private static IEnumerable<(int Index, double Value)> Computed(SpectrumOptions options, int calls, Func<int, double> said) => Run(options, calls, said).Where(call => !call.IsForecast).Select(call => (call.Index, call.Value));

    private static IEnumerable<(int Index, double Value)> Forecast(SpectrumOptions options, int calls, Func<int, double> said) => Run(options, calls, said).Where(call => call.IsForecast).Select(call => (call.Index, call.Value));

    private static List<(int Index, bool IsForecast, double Value)> Run(SpectrumOptions options, int calls, Func<int, double> said)
    {
        using var scope = NewDisposeScope();
        using SpectrumForecast spectrum = new(options, calls);
        List<(int, bool, double)> run = [];
        for (int call = 0; call < calls; call++)
        {
            if (spectrum.IsDue)
            {
                run.Add((call, true, spectrum.Predict().item<float>()));
                continue;
            }

            spectrum.Add(full(1, said(call), ScalarType.Float32));
            run.Add((call, false, said(call)));
        }

        return run;
    }
}

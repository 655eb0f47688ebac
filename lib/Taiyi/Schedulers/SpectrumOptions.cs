namespace Taiyi.Schedulers;

/// <summary>
/// Which calls of the network a run leaves out, and how what they would have said is forecast (<see cref="SpectrumForecast"/>). The defaults
/// compute 14 of 30 calls and 19 of 50.
/// </summary>
/// <remarks>Names and defaults of stable-diffusion.cpp's <c>--cache-mode spectrum</c> (src/spectrum.hpp), there m, lam, w, window_size, flex_window, warmup_steps and stop_percent.</remarks>
public sealed record SpectrumOptions
{
    /// <summary>m, the highest Chebyshev polynomial, 1 or more.</summary>
    public int Degree { get; init; } = 3;

    /// <summary>λ of the ridge regression, above 0: a larger one trusts the fit less where the computed calls lie close together.</summary>
    public double Regularization { get; init; } = 1;

    /// <summary>w, the share of the fitted polynomials, 0 to 1; the rest goes on in a straight line from the two newest calls.</summary>
    public double ChebyshevShare { get; init; } = 0.4;

    /// <summary>At first every so many-th call is computed, 1 or more.</summary>
    public double Window { get; init; } = 2;

    /// <summary>By how much the window grows with every call that is computed, 0 or more.</summary>
    public double WindowGrowth { get; init; } = 0.5;

    /// <summary>Calls at the beginning that are all computed, 2 or more.</summary>
    public int Warmup { get; init; } = 4;

    /// <summary>The share of a run behind which all calls are computed, above 0 and up to 1: details are drawn last.</summary>
    public double Until { get; init; } = 0.9;

    /// <summary>Throws if a value is out of its range.</summary>
    /// <exception cref="ArgumentException">The message names the value and its range.</exception>
    public void Validate()
    {
        Check(Degree is >= 1 and <= 16, "degree", Degree, "from 1 to 16; 3 is usual");
        Check(double.IsFinite(Regularization) && Regularization > 0, "regularization", Regularization, "above 0; 1 is usual");
        Check(ChebyshevShare is >= 0 and <= 1, "share of the Chebyshev polynomials", ChebyshevShare, "from 0 to 1; 0.4 is usual");
        Check(double.IsFinite(Window) && Window >= 1, "window", Window, "1 (every call is computed) or more; 2 is usual");
        Check(double.IsFinite(WindowGrowth) && WindowGrowth >= 0, "growth of the window", WindowGrowth, "0 or more; 0.5 is usual");
        Check(Warmup >= 2, "number of warm-up calls", Warmup, "2 or more; 4 is usual");
        Check(Until is > 0 and <= 1, "end", Until, "above 0 and up to 1; 0.9 is usual");
    }

    private static void Check(bool valid, string name, double value, string allowed)
    {
        if (!valid)
        {
            throw new ArgumentException(FormattableString.Invariant($"The {name} of the forecast is {value}; it must be {allowed}."));
        }
    }
}

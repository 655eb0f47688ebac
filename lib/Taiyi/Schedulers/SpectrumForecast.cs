using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// Spectrum (https://arxiv.org/abs/2603.01623): the picture x̂₀ that the network sees changes slowly along a run, so some calls need not be
/// made: Chebyshev polynomials are fitted to what the last calls said, and read off at the call that is left out. Any sampler goes on with that.
/// </summary>
/// <remarks>
/// After stable-diffusion.cpp (src/spectrum.hpp), whose calls are computed and whose x̂₀ are blended likewise, with two changes: the place
/// of a call is its share of the run, which for runs of 50 calls is the same; and what is fitted is the change from the newest call, so
/// that a picture which no longer changes stays what it is (the reference's ridge draws its values towards 0).
/// </remarks>
public sealed class SpectrumForecast : IDisposable
{
    private const int LeastHistory = 6;

    private readonly SpectrumOptions _options;
    private readonly int _calls;
    private readonly List<(double Place, Tensor OriginalSample)> _history = []; // oldest first
    private double _window;
    private int _call, _left;

    /// <summary>Begins a run.</summary>
    /// <param name="options">Which calls are left out.</param>
    /// <param name="calls">Calls of the run.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public SpectrumForecast(SpectrumOptions options, int calls)
    {
        options.Validate();
        (_options, _calls, _window) = (options, calls, options.Window);
    }

    /// <summary>Whether the coming call is to be left out.</summary>
    public bool IsDue => _call >= _options.Warmup && _call < (int)(_options.Until * _calls) && _history.Count >= 2 && (_left + 1) % (int)_window != 0;

    /// <summary>The forecast of the coming call's x̂₀, (B, C, H, W); the caller owns it. Goes on to the next call.</summary>
    /// <exception cref="InvalidOperationException">Fewer than two calls were computed.</exception>
    public Tensor Predict()
    {
        if (_history.Count < 2)
        {
            throw new InvalidOperationException($"A forecast needs two computed calls or more, and there are {_history.Count}: Add them first.");
        }

        using var scope = NewDisposeScope();
        double[] weights = Weights();
        Tensor sum = weights[0] * _history[0].OriginalSample;
        for (int k = 1; k < weights.Length; k++)
        {
            sum = sum + weights[k] * _history[k].OriginalSample;
        }

        _left++;
        _call++;
        return sum.MoveToOuterDisposeScope();
    }

    /// <summary>Takes what the coming call said and goes on to the next.</summary>
    /// <param name="originalSample">x̂₀ of the call, (B, C, H, W); copied.</param>
    public void Add(Tensor originalSample)
    {
        _history.Add((Place(_call), originalSample.clone().DetachFromDisposeScope()));
        if (_history.Count > Math.Max(_options.Degree + 1, LeastHistory))
        {
            _history[0].OriginalSample.Dispose();
            _history.RemoveAt(0);
        }

        _window += _call >= _options.Warmup ? _options.WindowGrowth : 0;
        _left = 0;
        _call++;
    }

    /// <summary>Forgets what the calls said, where the next ones say something else: guidance begins or ends.</summary>
    public void Restart()
    {
        _history.ForEach(call => call.OriginalSample.Dispose());
        _history.Clear();
    }

    /// <summary>Frees what the calls said.</summary>
    public void Dispose() => Restart();

    // What each remembered x̂₀ counts in the forecast; 1 in all.
    private double[] Weights()
    {
        using var scope = NewDisposeScope();
        int last = _history.Count - 1;
        double[] newest = Chebyshev(_history[last].Place);
        double[] Features(double place) => [.. Chebyshev(place).Zip(newest, (value, origin) => value - origin).Skip(1)]; // T_0 is constant
        Tensor design = tensor(_history.SelectMany(call => Features(call.Place)).ToArray(), [_history.Count, _options.Degree]); // Φ, (K, m)
        Tensor gram = design.t().mm(design) + _options.Regularization * eye(_options.Degree, dtype: ScalarType.Float64);   // Φᵀ Φ + λ I, (m, m)
        Tensor solved = linalg.solve(gram, tensor(Features(Place(_call))).unsqueeze(1));                             // (m, 1)
        double[] weights = design.mm(solved).flatten().mul(_options.ChebyshevShare).data<double>().ToArray();        // of the changes from the newest
        weights[last] += 1 - weights.Sum();

        // The rest in a straight line, half a step on as in the reference: h + (h - h') / 2.
        weights[last] += 0.5 * (1 - _options.ChebyshevShare);
        weights[last - 1] -= 0.5 * (1 - _options.ChebyshevShare);
        return weights;
    }

    // -1 at the beginning of the run, 1 at its end: the range of the polynomials.
    private double Place(int call) => 2.0 * call / _calls - 1;

    // T_0 … T_m by their recurrence.
    private double[] Chebyshev(double x)
    {
        double[] values = new double[_options.Degree + 1];
        (values[0], values[1]) = (1, x);
        for (int j = 2; j < values.Length; j++)
        {
            values[j] = 2 * x * values[j - 1] - values[j - 2];
        }

        return values;
    }
}

namespace Taiyi.Display;

/// <summary>What a chart draws, free of any renderer: read from the JSON of a Plotly.NET chart, or made directly.</summary>
internal sealed record ChartFigure(IReadOnlyList<ChartPanel> Panels)
{
    public string? Title { get; init; }

    /// <summary>In pixels of the screen.</summary>
    public int Width { get; init; } = 680;

    public int Height { get; init; } = 400;

    /// <summary>Panels side by side; those that don't fit go to the next row.</summary>
    public int Columns { get; init; } = 1;
}

/// <summary>One pair of axes and what is drawn between them.</summary>
internal sealed record ChartPanel(ChartAxis X, ChartAxis Y, IReadOnlyList<ChartTrace> Traces)
{
    /// <summary>Bars of several traces stand on one another, not side by side.</summary>
    public bool Stacked { get; init; }
}

/// <summary>How an axis is labelled and scaled.</summary>
internal sealed record ChartAxis
{
    public string? Title { get; init; }

    public bool Logarithmic { get; init; }

    /// <summary>First and last value; null lets the data decide.</summary>
    public (double Low, double High)? Range { get; init; }

    /// <summary>Larger values at the left or at the bottom.</summary>
    public bool Reversed { get; init; }

    /// <summary>The values that have ticks, such as 5, 10, 20, 50 steps; null lets the scale choose.</summary>
    public IReadOnlyList<double>? Places { get; init; }

    /// <summary>Names at the places 0, 1, 2, …; null for numbers.</summary>
    public IReadOnlyList<string>? Categories { get; init; }
}

internal enum TraceKind
{
    Lines,
    Points,
    LinesAndPoints,
    Bars,
    HorizontalBars,
    HeatMap,

    /// <summary>Something that the static picture leaves out.</summary>
    Unknown,
}

/// <summary>One series. Places of categories are their indices; missing values are NaN.</summary>
internal sealed record ChartTrace(TraceKind Kind, string Name, double[] X, double[] Y, string Color)
{
    public double LineWidth { get; init; } = 2;

    /// <summary>plotly.js's name of the dash: dash, dot, …; null is solid.</summary>
    public string? Dash { get; init; }

    public double Opacity { get; init; } = 1;

    public bool InLegend { get; init; }

    /// <summary>Width of each bar in units of the axis; null leaves a gap of a fifth.</summary>
    public double? BarWidth { get; init; }

    /// <summary>Rows of a heat map, the first at the bottom.</summary>
    public double[][] Z { get; init; } = [];

    public ColorMap Colors { get; init; } = ColorMap.Viridis;

    /// <summary>The values of the first and the last colour of a heat map, where the chart names them.</summary>
    public (double Low, double High)? NamedZRange { get; init; }

    /// <summary>The values of the first and the last colour of a heat map.</summary>
    public (double Low, double High) ZRange
    {
        get
        {
            double[] finite = [.. Z.SelectMany(row => row).Where(double.IsFinite)];
            return NamedZRange ?? (finite.Length == 0 ? (0, 1) : (finite.Min(), finite.Max()));
        }
    }
}

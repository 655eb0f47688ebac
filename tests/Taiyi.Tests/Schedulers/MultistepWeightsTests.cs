using Taiyi.Schedulers;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Tests.Schedulers;

/// <summary>The mathematics that the samplers share, against textbook numbers and equations that can be solved by hand.</summary>
public class MultistepWeightsTests
{
    [Fact]
    public void Without_growth_the_weights_are_those_of_Adams_and_Bashforth()
    {
        // Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I, table III.1.1; PNDM eq. (12) has the same.
        Equal([3 / 2.0, -1 / 2.0], MultistepWeights.Exact(0, 0, -1));
        Equal([23 / 12.0, -16 / 12.0, 5 / 12.0], MultistepWeights.Exact(0, 0, -1, -2));
        Equal([55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0], MultistepWeights.Exact(0, 0, -1, -2, -3));
        Equal([1 / 2.0, 1 / 2.0], MultistepWeights.Exact(0, 0, 1)); // the trapezium
    }

    [Theory]
    [InlineData(-40)]
    [InlineData(-2.5)]
    [InlineData(-1e-7)]
    [InlineData(0.9)]
    [InlineData(3)]
    public void The_mean_of_a_polynomial_is_its_integral_under_the_growing_weight(double z)
    {
        // m̄ = ∫₀¹ e^{z(1-r)} f(r) dr / ∫₀¹ e^{z(1-r)} dr, here by Simpson's rule with 200,000 parts.
        double[] places = [0, -0.7, 1, 0.3];
        double[] weights = MultistepWeights.Exact(z, places);
        double F(double r) => 1 - 2 * r + 3 * r * r - 0.5 * r * r * r;
        double Integral(Func<double, double> f)
        {
            const int Parts = 200_000;
            return Enumerable.Range(0, Parts + 1).Sum(i => (i is 0 or Parts ? 1 : i % 2 == 1 ? 4 : 2) * f(i / (double)Parts)) / (3.0 * Parts);
        }

        double expected = Integral(r => Math.Exp(z * (1 - r)) * F(r)) / Integral(r => Math.Exp(z * (1 - r)));
        Assert.Equal(expected, places.Zip(weights, (r, w) => w * F(r)).Sum(), 1e-9);
        Assert.Equal(1, weights.Sum(), 1e-12);
    }

    [Fact]
    public void Phi_is_continuous_where_its_series_ends()
    {
        for (int k = 1; k <= 5; k++)
        {
            Assert.Equal(MultistepWeights.Phi(k, 1 - 1e-12), MultistepWeights.Phi(k, 1 + 1e-12), 1e-11);
            Assert.Equal(MultistepWeights.Phi(k, -1 + 1e-12), MultistepWeights.Phi(k, -1 - 1e-12), 1e-11);
        }

        Assert.Equal(Math.E - 1, MultistepWeights.Phi(1, 1), 1e-14);
        Assert.Equal(Math.E - 2, MultistepWeights.Phi(2, 1), 1e-14);
    }

    [Fact]
    public void Quantiles_of_the_arcsine_law_are_known()
    {
        // B(1/2, 1/2) is the arcsine law: x = sin²(π p / 2). B(1, 1) is uniform, B(2, 1) has x = √p.
        foreach (double p in new[] { 0, 0.001, 0.1, 0.5, 0.77, 0.999, 1 })
        {
            Assert.Equal(Math.Pow(Math.Sin(Math.PI * p / 2), 2), BetaDistribution.Quantile(p, 0.5, 0.5), 1e-12);
            Assert.Equal(p, BetaDistribution.Quantile(p, 1, 1), 1e-12);
            Assert.Equal(Math.Sqrt(p), BetaDistribution.Quantile(p, 2, 1), 1e-12);
        }
    }

    [Fact]
    public void Align_your_steps_is_the_published_table_for_ten_steps_and_lies_between_its_levels_for_others()
    {
        Equal([.. AlignYourSteps.StableDiffusion15Sigmas], AlignYourSteps.Sigmas(10));
        double[] nineteen = AlignYourSteps.Sigmas(19); // a level between any two of the ten: their geometric mean
        Assert.Equal(Math.Sqrt(14.615 * 6.475), nineteen[1], 1e-12);
        Assert.Equal(3.861, nineteen[4], 1e-12);
        Assert.Equal((20, 0), (nineteen.Length, nineteen[^1]));
    }

    [Theory]
    [InlineData("euler", 1)]
    [InlineData("heun", 2)]
    [InlineData("dpm2", 2)]
    [InlineData("lms", 3)] // 4 behind its first steps, which are of order 1, 2 and 3
    [InlineData("dpmpp_2m", 2)]
    [InlineData("dpmpp_2s", 2)]
    [InlineData("deis", 2)]
    [InlineData("unipc", 3)] // 2 by the predictor, one more by the corrector
    public void Halving_the_steps_divides_the_error_by_two_to_the_order(string name, int order)
    {
        double ratio = Math.Log2(Error(name, 16) / Error(name, 32));
        Assert.InRange(ratio, order - 0.4, order + 1);
    }

    // Pictures that are Gaussian of deviation s: the best denoiser is D = x s²/(s²+σ²), and the probability flow through x₀ + σ ε is known,
    // x(σ) = x(σ₀) √(s²+σ²)/√(s²+σ₀²) (EDM eq. (3) with that D). All samplers walk from σ = 10 to 0.1.
    private static double Error(string name, int steps)
    {
        const double Deviation = 0.5, First = 10, Last = 0.1;
        using var scope = NewDisposeScope();
        SchedulerConfig config = new() { LowerOrderFinal = false, FinalSigmasType = FinalSigmasType.SigmaMin };
        double[] sigmas = [.. Enumerable.Range(0, steps + 1).Select(i => First * Math.Pow(Last / First, (double)i / steps))];
        using SchedulerRun run = Scheduler.Create(name, config).BeginAtSigmas(sigmas);
        Tensor one = ones(1, 1, 1, 1), none = zeros(1, 1, 1, 1);
        Tensor sample = First * run.AddNoise(one, none);             // x(σ₀) = σ₀ in samples x₀ + σ ε
        for (int i = 0; i < run.Timesteps.Count; i++)
        {
            double signal = run.AddNoise(one, none, i).ToDouble(), sigma = run.Sigma;
            Tensor epsilon = sample / signal * (sigma / (Deviation * Deviation + sigma * sigma));   // (x - D) / σ
            sample = run.Step(epsilon, sample).PrevSample;
        }

        double end = (sample / run.AddNoise(one, none, run.Timesteps.Count)).ToDouble();
        double exact = First * Math.Sqrt((Deviation * Deviation + Last * Last) / (Deviation * Deviation + First * First));
        return Math.Abs(end - exact);
    }

    private static void Equal(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
    }
}

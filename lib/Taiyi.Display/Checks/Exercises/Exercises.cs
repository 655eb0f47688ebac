namespace Taiyi.Display;

/// <summary>
/// The exercises of the course: a cell names the rule, what is right stands here. An answer is null until the reader fills it in;
/// see <see cref="Exercise"/>.
/// </summary>
public static partial class Exercises
{
    private static bool Near(double answer, double right, double tolerance) => Math.Abs(answer - right) <= tolerance;

    private static bool ForAll<T>(Func<T, bool> holds, params ReadOnlySpan<T> cases)
    {
        foreach (T one in cases)
        {
            if (!holds(one))
            {
                return false;
            }
        }

        return true;
    }
}

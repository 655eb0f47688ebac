namespace Taiyi.Files;

/// <summary>Placeholder for a Python object that is not a tensor: a class, or the result of calling one. What the pickle does with it is ignored.</summary>
/// <param name="name">Module and name in Python, as a message shows them.</param>
internal sealed class PickleObject(string name)
{
    /// <summary>Module and name, separated by a space.</summary>
    public string Name => name;
}

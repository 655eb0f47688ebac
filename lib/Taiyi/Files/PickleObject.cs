namespace Taiyi.Files;

/// <summary>Stands for a Python object that is no tensor: a class, or what a call of it would give. Whatever the pickle does with it is forgotten.</summary>
/// <param name="name">Module and name in Python, as a message shows them.</param>
internal sealed class PickleObject(string name)
{
    /// <summary>Module and name, parted by a space.</summary>
    public string Name => name;
}

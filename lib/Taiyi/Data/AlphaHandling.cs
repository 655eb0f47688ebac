namespace Taiyi.Data;

/// <summary>What becomes of transparent pixels when a picture is read as RGB.</summary>
public enum AlphaHandling
{
    /// <summary>They are laid on white paper: what a viewer shows.</summary>
    OverWhite,

    /// <summary>Alpha is forgotten and the colours below it appear, as Pillow's <c>convert("RGB")</c> does.</summary>
    Drop,
}

namespace Taiyi.Data;

/// <summary>What becomes of transparent pixels when a picture is read as RGB.</summary>
public enum AlphaHandling
{
    /// <summary>They are blended onto white, as a viewer shows them.</summary>
    OverWhite,

    /// <summary>Alpha is dropped and the stored colours appear, as with Pillow's <c>convert("RGB")</c> does.</summary>
    Drop,
}

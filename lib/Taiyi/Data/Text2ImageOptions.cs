namespace Taiyi.Data;

/// <summary>What to do with a picture file that can't be decoded.</summary>
public enum BrokenImages
{
    /// <summary>Stop, with an <see cref="ImageFileException"/> that names it, when it is read.</summary>
    Stop,

    /// <summary>Decode every picture on opening and leave the broken ones out; they are listed in <see cref="Text2ImageDataset.Skipped"/>.</summary>
    Skip,
}

/// <summary>Which square of a picture that is not square is taken.</summary>
public enum CropMode
{
    /// <summary>The middle.</summary>
    Center,

    /// <summary>Another one every epoch.</summary>
    Random,
}

/// <summary>How pictures become training items.</summary>
public sealed record Text2ImageOptions
{
    /// <summary>Width and height of an item in pixels: the model's own, 512 for Taiyi.</summary>
    public int Size { get; init; } = 512;

    /// <summary>Which square is taken after the short side was resized to <see cref="Size"/>.</summary>
    public CropMode Crop { get; init; } = CropMode.Center;

    /// <summary>Whether every other picture, by chance, is mirrored.</summary>
    public bool HorizontalFlip { get; init; }

    /// <summary>Seed of crops and flips: the same seed, epoch and index give the same item in any order of reading.</summary>
    public int Seed { get; init; }

    /// <summary>What to do with a picture file that can't be decoded.</summary>
    public BrokenImages Broken { get; init; } = BrokenImages.Stop;
}

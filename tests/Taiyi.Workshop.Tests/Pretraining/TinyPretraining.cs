using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Workshop.Pretraining;

namespace Taiyi.Workshop.Tests.Pretraining;

/// <summary>A folder with twelve small pictures, options of tiny networks, and a place for runs; gone after the test.</summary>
internal sealed class TinyPretraining : IDisposable
{
    public const int Size = 16;

    public TinyPretraining()
    {
        for (int i = 0; i < 12; i++)
        {
            // A square of one of four colours at one of three heights: something to learn.
            byte[] pixels = new byte[3 * Size * Size];
            Array.Fill(pixels, byte.MaxValue);
            for (int k = 0; k < 64; k++)
            {
                int pixel = (((4 * (i / 4)) + (k / 8)) * Size) + 2 + (k % 8);
                (pixels[3 * pixel], pixels[(3 * pixel) + 1], pixels[(3 * pixel) + 2]) = ((byte)(i % 2 * 200), (byte)(i / 2 % 2 * 200), 90);
            }

            using Image<Rgb24> picture = ImageConversion.FromBytes(Size, Size, pixels);
            ImageFile.WritePng(Path.Combine(DataFolder, $"p{i:00}.png"), picture);
            File.WriteAllText(Path.Combine(DataFolder, $"p{i:00}.txt"), $"{"上中下"[i / 4]}面的{"蓝紫绿黄"[i % 4]}色方块");
        }
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("taiyi-pretraining-").FullName;

    public string DataFolder => Path.Combine(Root, "data");

    public PretrainingData Data => new() { Path = DataFolder, Size = Size, Mirror = true };

    public VaePretrainingOptions VaeOptions => new()
    {
        Data = Data,
        Steps = 4,
        BatchSize = 4,
        WarmupSteps = 1,
        CheckpointEvery = 2,
        SampleEvery = 0,
        DType = "Float32",
        HoldOutEvery = 6,
        Vae = VaePretrainingOptions.VaeOf(8, 16),
    };

    public DiffusionPretrainingOptions DiffusionOptions => new()
    {
        Data = Data,
        Steps = 4,
        BatchSize = 4,
        WarmupSteps = 1,
        CheckpointEvery = 2,
        SampleEvery = 0,
        DType = "Float32",
        LatentReuse = 2,
        VaeFolder = Path.Combine(Root, "model", "vae"),
        UNet = DiffusionPretrainingOptions.UNetOf(16, 32, 32),
        TextEncoder = DiffusionPretrainingOptions.TextEncoderOf(16, 1),
        SamplePrompts = ["上面的蓝色方块", "下面的黄色方块"],
    };

    public string Folder(string name) => Path.Combine(Root, name);

    /// <summary>Trains a VAE in a new run of that name, into the model folder of that name.</summary>
    public VaePretrainer Vae(string run, string model, VaePretrainingOptions? options = null)
    {
        VaePretrainer trainer = new(PretrainingRun.Create(Folder(run), options ?? VaeOptions), Data.Open(), Folder(model));
        trainer.Train();
        return trainer;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

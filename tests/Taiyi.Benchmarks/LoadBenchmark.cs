using Taiyi.Files;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Benchmarks;

/// <summary>Reading the bytes of a UNet's safetensors file into memory, against making the UNet ready from it.</summary>
internal sealed class LoadBenchmark(BenchmarkModel model, int rounds)
{
    public void Run()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("taiyi-benchmark").FullName, "unet.safetensors");
        try
        {
            using (UNet2DConditionModel unet = model.UNet(float32))
            {
                SafetensorsFile.Write(path, unet.state_dict());
            }

            double size = (double)new FileInfo(path).Length / (1 << 30);
            PairedMeasurement pair = PairedMeasurement.Of(() => Load(path).Dispose(), () => ReadBytes(path), rounds, warmups: 1);
            Console.WriteLine($"UNet, {model.Name}, {size:0.00} GiB: ready in {pair.Ours.Seconds:0.00} s, its bytes read in {pair.Theirs!.Seconds:0.00} s, ratio {pair.Ratio:0.00}");
            Console.WriteLine($"peak memory {pair.Ours.PeakGiB:0.00} GiB, {pair.Ours.PeakGiB / size:0.00} of the file");
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }

    private UNet2DConditionModel Load(string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        UNet2DConditionModel unet = new(model.UNetConfig);
        StateDictLoader.Load(unet, file);
        return unet;
    }

    // Into memory that is new, as the weights of a network are.
    private static void ReadBytes(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        using Tensor bytes = empty(file.Length, dtype: uint8);
        for (long done = 0; done < file.Length;)
        {
            int length = (int)Math.Min(1 << 28, file.Length - done);
            using Tensor piece = bytes.narrow(0, done, length);
            file.ReadExactly(piece.bytes);
            done += length;
        }
    }
}

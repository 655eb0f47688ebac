using Taiyi.Data;
using Taiyi.Models;
using Taiyi.Tests.Lora;
using Taiyi.Training;
using static TorchSharp.torch;

namespace Taiyi.Tests.Training;

[NoTensorLeak]
public class EncodedDatasetTests
{
    [Fact]
    public void A_batch_holds_the_posteriors_and_captions_that_the_networks_give()
    {
        using var scope = NewDisposeScope();
        using TinyTraining tiny = new();
        using EncodedDataset data = EncodedDataset.Encode(tiny.Pipeline, tiny.Dataset, horizontalFlip: true);

        using TrainingBatch batch = data.Batch([4, 1], mirrored: [false, true], withoutCaption: [true, false]);

        (Tensor mean, Tensor deviation) = Posterior(tiny, 4, mirrored: false);
        Close.Assert(mean, batch.Mean[0], 1e-5);
        Close.Assert(deviation, batch.Deviation[0], 1e-5);
        (mean, deviation) = Posterior(tiny, 1, mirrored: true);
        Close.Assert(mean, batch.Mean[1], 1e-5);
        Close.Assert(deviation, batch.Deviation[1], 1e-5);
        Close.Assert(Caption(tiny, ""), batch.Context[0], 1e-5);
        Close.Assert(Caption(tiny, "一只狗"), batch.Context[1], 1e-5);
    }

    [Fact]
    public void A_saved_encoding_is_read_again_and_made_anew_when_a_caption_changes()
    {
        using var scope = NewDisposeScope();
        using TinyTraining tiny = new();
        string path = tiny.Folder("encoded.safetensors");
        using EncodedDataset first = EncodedDataset.LoadOrEncode(path, tiny.Pipeline, tiny.Dataset);
        DateTime written = File.GetLastWriteTimeUtc(path);

        using EncodedDataset second = EncodedDataset.LoadOrEncode(path, tiny.Pipeline, tiny.Dataset);
        Assert.Equal((first.Hash, written), (second.Hash, File.GetLastWriteTimeUtc(path)));
        using TrainingBatch a = first.Batch([0, 5], withoutCaption: [true, false]), b = second.Batch([0, 5], withoutCaption: [true, false]);
        Assert.True(TinyUNet.SameBits(a.Mean, b.Mean) && TinyUNet.SameBits(a.Deviation, b.Deviation) && TinyUNet.SameBits(a.Context, b.Context));

        File.WriteAllText(Path.Combine(tiny.Data, "p0.txt"), "一只鸭");
        using EncodedDataset changed = EncodedDataset.LoadOrEncode(path, tiny.Pipeline, tiny.Dataset);
        Assert.NotEqual(first.Hash, changed.Hash);
        using TrainingBatch c = changed.Batch([0]);
        Close.Assert(Caption(tiny, "一只鸭"), c.Context[0], 1e-5);
        Assert.True(File.GetLastWriteTimeUtc(path) > written);
    }

    private static (Tensor Mean, Tensor Deviation) Posterior(TinyTraining tiny, int picture, bool mirrored)
    {
        using IDisposable noGrad = no_grad();
        using Text2ImageItem item = tiny.Dataset.Read(picture);
        Tensor pixels = mirrored ? item.PixelValues.flip(2) : item.PixelValues; // (3, H, W)
        using DiagonalGaussianDistribution posterior = tiny.Pipeline.Vae.Encode(pixels.unsqueeze(0));
        return (posterior.Mean[0].clone(), (posterior.LogVariance[0] / 2).exp());
    }

    private static Tensor Caption(TinyTraining tiny, string text)
    {
        using PromptEmbeddings embeddings = tiny.Pipeline.EncodePrompt([text], withGuidance: false);
        return embeddings.Conditional[0].clone();
    }
}

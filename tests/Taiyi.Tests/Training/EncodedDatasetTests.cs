using Taiyi.Data;
using Taiyi.Files;
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

    [Theory]
    [InlineData("cut")]
    [InlineData("empty")]
    [InlineData("text")]
    [InlineData("other data")]
    [InlineData("a tensor missing")]
    [InlineData("fewer pictures")]
    public void A_saved_encoding_that_is_of_no_use_is_made_anew_and_said(string fault)
    {
        using var scope = NewDisposeScope();
        using TinyTraining tiny = new();
        string path = tiny.Folder("encoded.safetensors");
        using EncodedDataset first = EncodedDataset.LoadOrEncode(path, tiny.Pipeline, tiny.Dataset);
        Assert.Null(first.Note);
        Spoil(path, fault);

        using EncodedDataset anew = EncodedDataset.LoadOrEncode(path, tiny.Pipeline, tiny.Dataset);
        using EncodedDataset again = EncodedDataset.LoadOrEncode(path, tiny.Pipeline, tiny.Dataset);

        Assert.Contains("encoded anew", anew.Note);
        Assert.Contains(path, anew.Note);
        Assert.Null(again.Note);
        using TrainingBatch a = first.Batch([0, 5]), b = anew.Batch([0, 5]), c = again.Batch([0, 5]);
        Assert.True(TinyUNet.SameBits(a.Mean, b.Mean) && TinyUNet.SameBits(a.Mean, c.Mean) && TinyUNet.SameBits(a.Context, c.Context));
    }

    private static void Spoil(string path, string fault)
    {
        byte[] bytes = File.ReadAllBytes(path);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        KeyValuePair<string, Tensor>[] tensors = [.. file.Tensors.Keys.Select(name => KeyValuePair.Create(name, file.Read(name)))];
        Dictionary<string, string> metadata = new(file.Metadata);
        file.Dispose();
        switch (fault)
        {
            case "cut": File.WriteAllBytes(path, bytes[..100]); break;
            case "empty": File.WriteAllBytes(path, []); break;
            case "text": File.WriteAllText(path, "一只狮子，这不是张量"); break;
            case "other data": SafetensorsFile.Write(path, [new("latents", ones(2, 2))]); break;
            case "a tensor missing": SafetensorsFile.Write(path, tensors.Where(t => t.Key != "means"), metadata); break;
            default: SafetensorsFile.Write(path, tensors.Select(t => t.Key == "means" ? new(t.Key, t.Value.narrow(1, 0, 2)) : t), metadata); break;
        }
    }

    [Fact]
    public void An_epoch_shows_repeated_pictures_as_often_as_their_folder_says()
    {
        using var scope = NewDisposeScope();
        using TinyTraining tiny = new();
        string folder = tiny.Folder("kohya");
        foreach ((string from, string to) in (ReadOnlySpan<(string, string)>)[("p0", "1_cat/a"), ("p1", "3_lion/b")])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder, to))!);
            File.Copy(Path.Combine(tiny.Data, from + ".png"), Path.Combine(folder, to + ".png"));
            File.WriteAllText(Path.Combine(folder, to + ".txt"), "一只猫");
        }

        Text2ImageDataset dataset = Text2ImageDataset.Open(folder, new Text2ImageOptions { Size = tiny.Dataset.Size });
        using EncodedDataset data = EncodedDataset.Encode(tiny.Pipeline, dataset);

        Assert.Equal((2, 4), (data.Count, data.EpochCount));
        Assert.Equal([0, 1, 1, 1], Enumerable.Range(0, 4).Select(place => data.ImageAt(place)));
        LoraTrainingOptions options = new() { Epochs = 2, BatchSize = 2 };
        TrainingRun run = TrainingRun.Create(tiny.Folder("run"), options);
        using LoraTrainer trainer = new(tiny.Pipeline, data, run);
        Assert.Equal(4, trainer.TotalSteps); // 2 epochs of 1 + 3 pictures, 2 a step
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

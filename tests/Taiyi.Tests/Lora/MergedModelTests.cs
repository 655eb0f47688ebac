using Taiyi.Files;
using Taiyi.Lora;
using Taiyi.Models;
using Taiyi.Snapshots;
using Taiyi.Tests.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Lora;

[NoTensorLeak]
public sealed class MergedModelTests : IDisposable
{
    private static readonly string Model = Repository.Golden("tiny-taiyi");
    private readonly string _folder = Directory.CreateTempSubdirectory("merged").FullName;

    private string Output => Path.Combine(_folder, "merged");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_merged_folder_gives_the_output_of_fuse_lora_without_a_LoRA()
    {
        using var scope = NewDisposeScope();
        Assert.Empty(MergedModel.Write(Model, [new(Repository.Golden("lora/pytorch_lora_weights.safetensors"), 1)], Output).UnmatchedKeys);
        using UNet2DConditionModel unet = ModelFolder.Open(Output).LoadUNet();
        Close.Assert(TinyUNet.Golden("fused.output"), TinyUNet.Run(unet), 5e-5);
    }

    [Fact]
    public void Several_LoRAs_are_merged_with_their_weights()
    {
        using var scope = NewDisposeScope();
        MergedModel.Write(Model, [new(Repository.Golden("lora/kohya.safetensors"), 0.7), new(Repository.Golden("lora/second_no_metadata.safetensors"), 0.3)], Output);
        using UNet2DConditionModel unet = ModelFolder.Open(Output).LoadUNet();
        Close.Assert(TinyUNet.Golden("two_adapters.output"), TinyUNet.Run(unet), 5e-5);
    }

    [Fact]
    public void Everything_but_the_weights_of_the_UNet_is_copied()
    {
        MergedModel.Write(Model, [new(Repository.Golden("lora/kohya.safetensors"), 1)], Output);
        string[] expected = [.. Files(Model).Where(file => !file.StartsWith("unet/diffusion_pytorch_model")).Append("unet/diffusion_pytorch_model.safetensors").Order()];
        Assert.Equal(expected, Files(Output));
        Assert.All(expected.Where(file => !file.StartsWith("unet/diffusion")), file =>
            Assert.Equal(File.ReadAllBytes(Path.Combine(Model, file)), File.ReadAllBytes(Path.Combine(Output, file))));
        Assert.Equal([Output], Directory.GetFileSystemEntries(_folder)); // nothing unfinished is left
    }

    [Fact]
    public void The_dtype_of_the_model_is_kept_and_other_copies_of_its_UNet_are_not()
    {
        string half = Path.Combine(_folder, "half");
        foreach (string file in Files(Model).Where(file => !file.StartsWith("unet/diffusion")))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(half, file))!);
            File.Copy(Path.Combine(Model, file), Path.Combine(half, file));
        }

        GoldenModel.WriteUNet(Path.Combine(half, "unet", "diffusion_pytorch_model.bf16.safetensors"), ScalarType.BFloat16);

        // The weights before their running mean, an LDM file beside the folders and a clone's history: all hold the UNet without the LoRA.
        File.WriteAllText(Path.Combine(half, "unet", "diffusion_pytorch_model.non_ema.bin"), "x");
        Directory.CreateDirectory(Path.Combine(half, ".git"));
        File.WriteAllText(Path.Combine(half, ".git", "HEAD"), "x");
        File.WriteAllText(Path.Combine(half, "taiyi.ckpt"), "x");

        MergedModel.Write(half, [new(Repository.Golden("lora/kohya.safetensors"), 1)], Output);

        Assert.DoesNotContain(Files(Output), file => file is "taiyi.ckpt" or ".git/HEAD" or "unet/diffusion_pytorch_model.non_ema.bin");
        using IStateDictFile merged = ModelFolder.Open(Output).OpenUNet();
        Assert.All(merged.Tensors.Values, tensor => Assert.Equal(ScalarType.BFloat16, tensor.DType));
    }

    [Fact]
    public void An_output_in_use_is_refused_and_kept()
    {
        Directory.CreateDirectory(Output);
        string precious = Path.Combine(Output, "precious.txt");
        File.WriteAllText(precious, "x");
        Assert.Contains("exists already", Refusal(Model, Output));
        Assert.Contains("inside the model", Refusal(Model, Path.Combine(Model, "merged")));
        Assert.Equal("x", File.ReadAllText(precious));
    }

    [Fact]
    public void A_LoRA_that_does_not_fit_leaves_no_folder()
    {
        string wrong = Path.Combine(_folder, "wrong.safetensors");
        using (Tensor down = zeros(4, 320), up = zeros(320, 4))
        {
            SafetensorsFile.Write(wrong, [new($"unet.{TinyUNet.ToQ}.lora.down.weight", down), new($"unet.{TinyUNet.ToQ}.lora.up.weight", up)]);
        }

        Assert.Throws<CheckpointException>(() => MergedModel.Write(Model, [new(wrong, 1)], Output));
        Assert.Equal([wrong], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void A_cancelled_merge_leaves_no_folder()
    {
        using CancellationTokenSource source = new();
        source.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => MergedModel.Write(Model, [new(Repository.Golden("lora/kohya.safetensors"), 1)], Output, source.Token));
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    private static string Refusal(string model, string output) =>
        Assert.Throws<ArgumentException>(() => MergedModel.Write(model, [new(Repository.Golden("lora/kohya.safetensors"), 1)], output)).Message;

    private static string[] Files(string folder) =>
        [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/')).Order()];
}

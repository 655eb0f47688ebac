using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Files;
using static TorchSharp.torch;

namespace Taiyi.Cli.Tests;

public sealed class GenerateCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void An_option_that_is_unknown_is_not_drawn_as_a_prompt() =>
        Generate("一只狮子", "--sampler", "euler", "--output", _folder.Path).AssertFailsWith("'--sampler' is no option of generate", "--help");

    [Fact]
    public void Two_pictures_are_written_with_their_parameters_inside()
    {
        CommandResult result = Generate("一只狮子", "--steps", "2", "--negative-prompt", "水印", "--output", _folder.Path);

        Assert.Equal(0, result.ExitCode);
        string[] files = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal([_folder.File("生成图_0.png"), _folder.File("生成图_1.png")], files);
        using Image<Rgb24> picture = ImageFile.Read(files[1]);
        Assert.Equal((128, 128), (picture.Width, picture.Height));
        string parameters = ImageFile.ReadText(files[1])["parameters"];
        Assert.Equal(
            "一只狮子，卡通风格，暖色调，科技感\nNegative prompt: 水印\nSteps: 2, Sampler: PNDMScheduler, CFG scale: 3, CFG rescale: 0.7, Seed: 1001, Size: 128x128",
            parameters);
    }

    [Fact]
    [NoTensorLeak]
    public void The_two_functions_and_the_command_draw_the_same_pictures_by_the_models_own_defaults()
    {
        string model = _folder.File("model");
        CopyFolder(Repository.Golden("tiny-taiyi"), model);
        File.WriteAllText(Path.Combine(model, "taiyi.json"), """{ "guidance_scale": 4, "num_inference_steps": 3, "guidance_rescale": 0.5, "style": "水墨风格" }""");

        Assert.Equal(0, Generate("一只狮子", "--model", model, "--output", _folder.Path).ExitCode);
        using StableDiffusionPipeline pipeline = Inference.LoadLoraModel(null, model);
        IReadOnlyList<Image<Rgb24>> images = Inference.GenerateImage(pipeline, "一只狮子");
        using GenerationResult result = pipeline.Generate("一只狮子，水墨风格", pipeline.DefaultOptions with { Seed = 1000, NumImagesPerPrompt = 2 });

        Assert.Equal((4, 3, 0.5), (pipeline.DefaultOptions.GuidanceScale, pipeline.DefaultOptions.NumInferenceSteps, pipeline.DefaultOptions.GuidanceRescale));
        Assert.Equal(2, images.Count);
        for (int i = 0; i < images.Count; i++)
        {
            using Image<Rgb24> file = ImageFile.Read(_folder.File($"生成图_{i}.png"));
            Assert.Equal(file.ToBytes(), images[i].ToBytes());
            Assert.Equal(file.ToBytes(), result.Images[i].ToBytes());
        }

        images[0].Save(_folder.File("own.png"));
        using Image<Rgb24> saved = ImageFile.Read(_folder.File("own.png"));
        Assert.Equal(images[0].ToBytes(), saved.ToBytes());
        Assert.NotEqual(images[0].ToBytes(), images[1].ToBytes());
    }

    [Fact]
    [NoTensorLeak]
    public void Without_options_a_pipeline_draws_by_its_defaults()
    {
        using StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(Repository.Golden("tiny-taiyi"));
        using GenerationResult drawn = pipeline.Generate("一只狮子");
        using GenerationResult again = pipeline.Generate("一只狮子", new GenerationOptions { GuidanceScale = 7.5, NumInferenceSteps = 50, Seed = drawn.Seed });

        Assert.Equal(again.Images[0].ToBytes(), drawn.Images[0].ToBytes());
    }

    [Fact]
    [NoTensorLeak]
    public void Latents_from_a_file_give_the_latents_of_the_reference()
    {
        using var scope = NewDisposeScope();
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("pipeline.safetensors"));
        SafetensorsFile.Write(_folder.File("start.safetensors"), [new("latents", golden.Read("pndm_10.latents"))]);

        CommandResult result = Generate(
            "一只狮子", "--model", Repository.Golden("tiny-taiyi"), "--num-images", "1", "--steps", "10", "--dtype", "float32", // guidance and style are the defaults
            "--latents", _folder.File("start.safetensors"), "--save-latents", _folder.File("end.safetensors"), "--output", _folder.Path);

        Assert.Equal(0, result.ExitCode);
        using SafetensorsFile end = SafetensorsFile.Open(_folder.File("end.safetensors"));
        Close.Assert(golden.Read("pndm_10.final"), end.Read("latents"), 5e-4);
    }

    [Fact]
    public void Several_prompts_make_several_batches_and_json_tells_their_seeds()
    {
        CommandResult result = Generate("苹果", "熊猫", "--steps", "1", "--num-images", "2", "--seed", "7", "--style", "", "--json", "--output", _folder.Path);

        Assert.Equal(0, result.ExitCode);
        JsonElement images = JsonDocument.Parse(result.Output).RootElement.GetProperty("images");
        Assert.Equal(
            [("苹果", 7), ("苹果", 8), ("熊猫", 7), ("熊猫", 8)],
            images.EnumerateArray().Select(i => (i.GetProperty("prompt").GetString()!, i.GetProperty("seed").GetInt32())));
        Assert.Equal(4, Directory.GetFiles(_folder.Path, "生成图_*.png").Length);
    }

    [Theory]
    [InlineData("18446744073709551615", "18446744073709551615", "0")]
    [InlineData("9223372036854775807", "9223372036854775807", "9223372036854775808")]
    [InlineData("-1", "18446744073709551615", "0")] // as in torch.manual_seed
    public void A_seed_has_64_bits_and_is_told_as_other_tools_write_it(string seed, string first, string second)
    {
        CommandResult result = Generate("苹果", "--model", Repository.Golden("tiny-taiyi"), "--steps", "1", "--seed", seed, "--json", "--output", _folder.Path);

        Assert.Equal(0, result.ExitCode);
        JsonElement images = JsonDocument.Parse(result.Output).RootElement.GetProperty("images");
        Assert.Equal([first, second], images.EnumerateArray().Select(i => i.GetProperty("seed").GetRawText()));
        Assert.Contains($"Seed: {second},", ImageFile.ReadText(_folder.File("生成图_1.png"))["parameters"]);
    }

    [Theory]
    [InlineData("18446744073709551616")]
    [InlineData("lion")]
    public void What_is_no_seed_is_told_the_range(string seed) =>
        Generate("苹果", "--seed", seed, "--output", _folder.Path).AssertFailsWith(seed, "0 to 18446744073709551615");

    [Fact]
    public void Strength_0_is_refused_in_one_sentence_that_agrees_with_the_help()
    {
        CommandResult result = Generate("苹果", "--image", Repository.Golden("image_preprocess/photo.jpg"), "--strength", "0", "--steps", "2", "--num-images", "1", "--output", _folder.Path);

        result.AssertFailsWith("The strength is 0; it must be above 0");
        Assert.DoesNotContain("Parameter", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Actual value", result.Error, StringComparison.Ordinal);
        Assert.Contains("above 0 and up to 1", CommandProcess.Run(Repository.Root, "generate", "--help").Output.ReplaceLineEndings(" "), StringComparison.Ordinal);
    }

    [Fact]
    public void Taught_words_are_drawn_and_lost_characters_are_told()
    {
        string learned = Repository.Golden("learned-word");
        using var scope = NewDisposeScope();
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("learned_word.safetensors"));
        SafetensorsFile.Write(_folder.File("start.safetensors"), [new("latents", golden.Read("latents"))]);

        CommandResult result = Generate(
            "一只<小狮>在草地上", "--model", Repository.Golden("tiny-taiyi"), "--embedding", Path.Combine(learned, "one_vector.bin"), "--embedding", Path.Combine(learned, "xiaoshi.safetensors") + ":<x>",
            "--num-images", "1", "--steps", "5", "-g", "5", "--style", "", "--negative-prompt", "", "--dtype", "float32",
            "--latents", _folder.File("start.safetensors"), "--save-latents", _folder.File("end.safetensors"), "--output", _folder.Path);

        Assert.Equal(0, result.ExitCode);
        using SafetensorsFile end = SafetensorsFile.Open(_folder.File("end.safetensors"));
        Close.Assert(golden.Read("one_vector.bin.final"), end.Read("latents"), 1e-3);
        Generate("一隻獅子", "--steps", "1", "--num-images", "1", "--embedding", Path.Combine(learned, "one_vector.bin"), "--output", _folder.Path)
            .AssertFailsWith("have 32 values", "'<小狮>'");
    }

    [Fact]
    public void A_start_picture_of_any_size_is_brought_to_the_models_size()
    {
        string start = Repository.Golden("image_preprocess/photo.jpg");

        CommandResult result = Generate("苹果", "--image", start, "--strength", "0.5", "--steps", "4", "--num-images", "1", "--output", _folder.Path);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("Denoising strength: 0.5", ImageFile.ReadText(_folder.File("生成图_0.png"))["parameters"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--scheduler", "dpmpp_sde", "dpmpp_2m_karras")]
    [InlineData("--scheduler", "ddim_karras", "no noise levels")]
    [InlineData("--sigmas", "carras", "karras")]
    [InlineData("--timesteps", "24,124", "fall from at most 999")]
    [InlineData("--dtype", "float64", "bfloat16")]
    [InlineData("--steps", "0", "must be 1 to 1000")]
    [InlineData("--steps", "many", "--steps")]
    [InlineData("--height", "63", "multiple of 8")]
    [InlineData("--latents", "none.safetensors", "none.safetensors")]
    [InlineData("--image", "none.png", "none.png")]
    [InlineData("--model", "none", "none")]
    [InlineData("--device", "abacus", "abacus")]
    [InlineData("--threads", "0", "1 or more")]
    public void A_bad_option_is_answered_by_a_sentence_that_names_it(string option, string value, string part) =>
        Generate("苹果", option, value, "--output", _folder.Path).AssertFailsWith(part);

    [Fact]
    public void Latents_of_another_count_are_refused_with_the_shape_that_fits()
    {
        using Tensor latents = zeros(3, 8, 16, 16);
        SafetensorsFile.Write(_folder.File("three.safetensors"), [new("latents", latents)]);

        Generate("苹果", "--latents", _folder.File("three.safetensors")).AssertFailsWith("(3, 8, 16, 16)", "must be 2, prompts x images");
    }

    [Fact]
    public void A_model_folder_with_a_truncated_network_gets_one_sentence()
    {
        CopyFolder(Repository.MiniModel, _folder.File("model"));
        string weights = _folder.File("model/vae/diffusion_pytorch_model.safetensors");
        byte[] bytes = File.ReadAllBytes(weights);
        File.WriteAllBytes(weights, bytes[..(bytes.Length / 2)]);

        Generate("苹果", "--model", _folder.File("model")).AssertFailsWith("diffusion_pytorch_model.safetensors", "truncated");
    }

    [Fact]
    public void Ctrl_c_ends_a_run_cleanly()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("SIGINT cannot be sent to one process on Windows.");
        }

        using Process process = CommandProcess.Start(Repository.Root, "generate", "苹果", "--steps", "900", "--num-images", "8", "--output", _folder.Path);
        while (process.StandardError.ReadLine() is { } line && !line.Contains("step 1/", StringComparison.Ordinal))
        {
            // The model is being loaded.
        }

        Assert.False(process.HasExited);
        Interrupt(process.Id);

        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(10)));
        Assert.Equal(130, process.ExitCode);
        Assert.Contains("Stopped.", process.StandardError.ReadToEnd(), StringComparison.Ordinal);
        AssertWholePictures(process.StandardOutput.ReadToEnd());
    }

    [Fact]
    public void A_run_that_is_stopped_keeps_and_names_every_picture_that_was_drawn()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("SIGINT cannot be sent to one process on Windows.");
        }

        using Process process = CommandProcess.Start(
            Repository.Root, "generate", "苹果", "--steps", "2", "--num-images", "100000", "--batch-size", "2", "--save-latents", _folder.File("end.safetensors"), "--output", _folder.Path);
        while (!process.HasExited && Directory.GetFiles(_folder.Path, "生成图_*.png").Length < 4)
        {
            Thread.Sleep(50);
        }

        Interrupt(process.Id);

        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(10)));
        Assert.Equal(130, process.ExitCode);
        int pictures = AssertWholePictures(process.StandardOutput.ReadToEnd());
        Assert.True(pictures >= 4);
        using SafetensorsFile latents = SafetensorsFile.Open(_folder.File("end.safetensors"));
        Assert.Equal([pictures, 8, 16, 16], latents.Tensors["latents"].Shape);
    }

    [Fact]
    public void Pictures_in_batches_equal_those_of_their_seeds_alone()
    {
        Assert.Equal(0, Generate("苹果", "--steps", "2", "--num-images", "3", "--batch-size", "2", "--seed", "5", "--output", _folder.File("batches")).ExitCode);
        Assert.Equal(0, Generate("苹果", "--steps", "2", "--num-images", "1", "--seed", "7", "--output", _folder.File("alone")).ExitCode);

        using Image<Rgb24> third = ImageFile.Read(_folder.File("batches/生成图_2.png")), alone = ImageFile.Read(_folder.File("alone/生成图_0.png"));
        Assert.Equal(alone.ToBytes(), third.ToBytes());
        Assert.Contains("Seed: 7,", ImageFile.ReadText(_folder.File("batches/生成图_2.png"))["parameters"], StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_go_on_behind_the_highest_and_nothing_is_replaced()
    {
        string[] before = ["生成图_0.png", "生成图_7.PNG", "生成图_x.png", "生成图_9.jpg", "notes.txt"];
        foreach (string name in before)
        {
            File.WriteAllText(_folder.File(name), name);
        }

        CommandResult result = Generate("苹果", "--steps", "1", "--num-images", "2", "--output", _folder.Path);

        Assert.Equal([_folder.File("生成图_8.png"), _folder.File("生成图_9.png")], result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.All(before, name => Assert.Equal(name, File.ReadAllText(_folder.File(name))));
    }

    [Fact]
    public void An_output_that_cannot_be_written_is_said_before_anything_is_drawn()
    {
        File.WriteAllText(_folder.File("file"), "");
        File.WriteAllText(_folder.File("end.safetensors"), "mine");

        Generate("苹果", "--output", _folder.File("file")).AssertFailsWith("file' is a file");
        Generate("苹果", "--output", _folder.File("file/below")).AssertFailsWith("file/below' cannot be written");
        Generate("苹果", "--save-latents", _folder.File("end.safetensors"), "--output", _folder.File("new")).AssertFailsWith("end.safetensors' exists already");
        Generate("苹果", "--steps", "0", "--output", _folder.File("new")).AssertFailsWith("must be 1 to 1000");
        Assert.Equal("mine", File.ReadAllText(_folder.File("end.safetensors")));
        Assert.False(Directory.Exists(_folder.File("new")));
    }

    [Fact]
    public void The_white_part_of_a_mask_is_drawn_anew()
    {
        using Image<Rgb24> photo = ImageFile.Read(Repository.Golden("image_preprocess/photo.jpg"));
        string mask = Mask("mask.png", photo.Width, photo.Height, x => x < photo.Width / 2 ? new Rgb24(0, 0, 0) : new Rgb24(255, 255, 255));
        string[] draw = ["苹果", "--image", Repository.Golden("image_preprocess/photo.jpg"), "--strength", "1", "--steps", "4", "--num-images", "1"];

        Assert.Equal(0, Generate([.. draw, "--mask", mask, "--save-latents", _folder.File("a.safetensors"), "--output", _folder.Path]).ExitCode);
        Assert.Equal(0, Generate([.. draw, "--mask", mask, "--scheduler", "euler_a", "--save-latents", _folder.File("b.safetensors"), "--output", _folder.Path]).ExitCode);

        using var scope = NewDisposeScope();
        using SafetensorsFile first = SafetensorsFile.Open(_folder.File("a.safetensors")), second = SafetensorsFile.Open(_folder.File("b.safetensors"));
        Tensor a = first.Read("latents"), b = second.Read("latents");
        Assert.Equal(0, (a - b)[.., .., .., ..7].abs().max().item<float>()); // the same picture in both, whatever was drawn beside it
        Assert.True((a - b)[.., .., .., 9..].abs().max().item<float>() > 0.1);
    }

    [Fact]
    public void A_mask_of_no_use_is_answered_by_a_sentence()
    {
        string image = Repository.Golden("image_preprocess/photo.jpg");
        using Image<Rgb24> photo = ImageFile.Read(image);
        string other = Mask("other.png", 64, 32, _ => new Rgb24(255, 255, 255)), black = Mask("black.png", photo.Width, photo.Height, _ => new Rgb24(9, 9, 9));
        string red = Mask("red.png", photo.Width, photo.Height, x => x < 9 ? new Rgb24(255, 0, 0) : new Rgb24(0, 0, 0));
        File.WriteAllText(_folder.File("text.png"), "no picture");

        Generate("苹果", "--image", image, "--mask", other).AssertFailsWith("other.png' has 64 x 32 pixels", $"{photo.Width} x {photo.Height}");
        Generate("苹果", "--image", image, "--mask", black).AssertFailsWith("black.png' is black");
        Generate("苹果", "--image", image, "--mask", red).AssertFailsWith("red.png' is a picture in colours");
        Generate("苹果", "--image", image, "--mask", _folder.File("text.png")).AssertFailsWith("text.png", "PNG, JPEG, WebP and BMP");
        Generate("苹果", "--image", image, "--mask", _folder.File("none.png")).AssertFailsWith("none.png");
        Generate("苹果", "--mask", other).AssertFailsWith("--mask", "without --image");
    }

    private string Mask(string name, int width, int height, Func<int, Rgb24> level)
    {
        using Image<Rgb24> mask = new(width, height);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                mask[x, y] = level(x);
            }
        }

        ImageFile.WritePng(_folder.File(name), mask);
        return _folder.File(name);
    }

    // What is printed is what is there, nothing else, and each can be read.
    private int AssertWholePictures(string output)
    {
        string[] files = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(files.Order(StringComparer.Ordinal), Directory.GetFiles(_folder.Path, "生成图_*", SearchOption.AllDirectories).Order(StringComparer.Ordinal));
        Assert.Empty(Directory.GetFiles(_folder.Path, "*.tmp"));
        foreach (string file in files)
        {
            using Image<Rgb24> picture = ImageFile.Read(file);
            Assert.Equal(128, picture.Width);
        }

        return files.Length;
    }

    private static CommandResult Generate(params string[] arguments) => CommandProcess.Run(Repository.Root, ["generate", .. arguments]);

    private static void CopyFolder(string from, string to)
    {
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private static void Interrupt(int processId)
    {
        const int SigInt = 2;
        Assert.Equal(0, Kill(processId, SigInt));
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int processId, int signal);
}
